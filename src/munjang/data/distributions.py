"""Distributions of labels: classes, numbers, and sets of labels."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.labels import count_labels
from munjang.data.table import Table

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 12
LABEL_SEPARATOR = "|"


@dataclass(frozen=True)
class Numbers:
    """Distribution of numeric targets, in their own unit.

    Attributes:
        smallest, largest, mean, deviation: of the rows; the population standard deviation.
        quantiles: number below which a share of the rows is, by share ("0.5").
        lows, highs: edges of the bins of a histogram: from a low up to below its high, the last bin
            including its high; a few distinct numbers have one bin each, with equal edges.
        counts: rows per bin.
    """

    smallest: float
    largest: float
    mean: float
    deviation: float
    quantiles: dict[str, float]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    counts: tuple[int, ...]


def describe_numbers(numbers: pl.Series) -> Numbers:
    """Describe numbers; up to 12 distinct ones are counted individually."""
    values = numbers.to_numpy().astype(np.float64)
    lows, counts = np.unique(values, return_counts=True)
    highs = lows
    if len(lows) > BINS:
        counts, edges = np.histogram(values, bins=BINS)
        lows, highs = edges[:-1], edges[1:]
    quantiles = np.quantile(values, QUANTILES)
    return Numbers(
        smallest=float(values.min()),
        largest=float(values.max()),
        mean=float(values.mean()),
        deviation=float(values.std()),
        quantiles={str(q): float(v) for q, v in zip(QUANTILES, quantiles, strict=True)},
        lows=tuple(lows.tolist()),
        highs=tuple(highs.tolist()),
        counts=tuple(counts.tolist()),
    )


def describe_sets(sets: pl.Series) -> dict[int, int]:
    """Count rows by number of labels, from 0 up to the maximum."""
    counts = np.bincount(sets.list.len().to_numpy())
    return dict(enumerate(counts.tolist()))


def label_counts(labels: pl.Series | None) -> dict[str, int] | None:
    """Count rows per label, the most frequent first; None for numbers, and without labels."""
    if labels is None or labels.dtype.is_float():
        return None
    return count_labels(_flatten(labels))


def label_names(labels: pl.Series | None) -> set[str]:
    """Return the distinct labels of a column; empty for numbers."""
    return set(label_counts(labels) or ())


def with_label_names(table: Table) -> Table:
    """Return the table with one string per row as label, whatever its type, to compare and show."""
    labels = table.targets
    if labels is None or labels.dtype == pl.String:
        return table
    if labels.dtype.is_float():
        names = pl.Series("label", [f"{number:g}" for number in labels], dtype=pl.String)
    else:
        names = labels.list.sort().list.join(LABEL_SEPARATOR).rename("label")
    return table.with_targets(names)


def _flatten(labels: pl.Series) -> pl.Series:
    return labels.explode().drop_nulls() if labels.dtype == pl.List else labels
