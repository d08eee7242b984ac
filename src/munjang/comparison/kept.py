"""The parts of a comparison as its runs read them, without torch: a baseline needs none."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from munjang.comparison.statistics import Ints

LABELS = "labels.json"


@dataclass(frozen=True)
class Part:
    """Texts and class numbers of one part."""

    texts: list[str]
    targets: Ints


def read_part(folder: Path, name: str, labels: Sequence[str]) -> Part:
    """One of the parts, with class numbers that are places in `labels`."""
    frame = pl.read_parquet(folder / f"{name}.parquet")
    places = {label: place for place, label in enumerate(labels)}
    numbers = frame["label"].replace_strict(places, return_dtype=pl.Int64)
    return Part(frame["text"].to_list(), numbers.to_numpy())


def labels_of(folder: Path) -> tuple[str, ...]:
    """The classes of the training part, in the order in which every model numbers them."""
    return tuple(json.loads((folder / LABELS).read_text(encoding="utf-8")))
