"""Sample corpora by name: `load_sample("rotten-tomatoes")`, `fetch_sample("nsmc")`."""

from munjang.data.samples.load import (
    fetch_part,
    fetch_sample,
    find_part,
    find_sample,
    list_samples,
    load_sample,
)

__all__ = ["fetch_part", "fetch_sample", "find_part", "find_sample", "list_samples", "load_sample"]
