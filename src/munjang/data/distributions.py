"""How labels are distributed: classes by their rows, numbers by their size, sets by both."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from munjang.data.labels import count_labels
from munjang.data.table import Table

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 12
BETWEEN_LABELS = "|"


@dataclass(frozen=True)
class Numbers:
    """Numbers to learn, in their own unit.

    Attributes:
        smallest, largest, mean, deviation: of the rows; the deviation is that of a population.
        quantiles: number below which a share of the rows lies, by share ("0.5").
        lows, highs: of the bins of a histogram: from a low up to below its high, the last one up
            to its end; few different numbers have a bin each, whose low and high are one.
        counts: rows in each bin.
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
    """Describe numbers; up to a dozen different ones are counted one by one."""
    values = numbers.to_numpy().astype(np.float64)
    lows, counts = np.unique(values, return_counts=True)
    highs = lows
    if len(lows) > BINS:
        counts, edges = np.histogram(values, bins=BINS)
        lows, highs = edges[:-1], edges[1:]
    found = np.quantile(values, QUANTILES)
    return Numbers(
        smallest=float(values.min()),
        largest=float(values.max()),
        mean=float(values.mean()),
        deviation=float(values.std()),
        quantiles={str(q): float(v) for q, v in zip(QUANTILES, found, strict=True)},
        lows=tuple(lows.tolist()),
        highs=tuple(highs.tolist()),
        counts=tuple(counts.tolist()),
    )


def describe_sets(sets: pl.Series) -> dict[int, int]:
    """Rows by how many labels they have, from 0 up to the most."""
    counts = np.bincount(sets.list.len().to_numpy())
    return dict(enumerate(counts.tolist()))


def label_counts(labels: pl.Series | None) -> dict[str, int] | None:
    """Rows of each label, the most frequent first; None for numbers, and where there are none."""
    if labels is None or labels.dtype.is_float():
        return None
    return count_labels(_flat(labels))


def known_labels(labels: pl.Series | None) -> set[str]:
    """The names of labels that stand in a column; none for numbers."""
    return set(label_counts(labels) or ())


def with_names(table: Table) -> Table:
    """The table with one name a row for whatever its label is, to be compared and shown."""
    labels = table.targets
    if labels is None or labels.dtype == pl.String:
        return table
    if labels.dtype.is_float():
        names = pl.Series("label", [f"{number:g}" for number in labels], dtype=pl.String)
    else:
        names = labels.list.sort().list.join(BETWEEN_LABELS).rename("label")
    return table.with_targets(names)


def _flat(labels: pl.Series) -> pl.Series:
    return labels.explode().drop_nulls() if labels.dtype == pl.List else labels
