"""Real text by name: `load_sample("rotten-tomatoes")`, `get("nsmc")`."""

from munjang.data.samples.load import (
    fetch_part,
    find_part,
    find_sample,
    get,
    list_samples,
    load_sample,
)

__all__ = ["fetch_part", "find_part", "find_sample", "get", "list_samples", "load_sample"]
