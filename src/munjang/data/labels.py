"""Checks of labels: fit for training, and known at evaluation."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from munjang.data.readers.faults import shorten
from munjang.data.readers.header import join_names
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.names import KnownLabels
from munjang.reporting import pluralize
from munjang.text.columns import Int64s


def require_labels(table: Table) -> pl.Series:
    """Return the labels of a table.

    Raises:
        DataError: the table has no label column.
    """
    if table.targets is None:
        raise DataError(
            "expected labels, but there is no label column: name it with --label-column "
            "(label_column=...)",
            file=table.files[0],
        )
    return table.targets


def count_labels(labels: pl.Series) -> dict[str, int]:
    """Return rows per label, the most frequent first, ties in alphabetical order."""
    counts = labels.value_counts(name="count").rows()
    return dict(sorted(counts, key=lambda pair: (-pair[1], pair[0])))


def check_labels(table: Table, *, least: int = 1) -> dict[str, int]:
    """Refuse labels from which nothing can be learned.

    Args:
        table: the training rows.
        least: number of rows that each class needs, such as the number of parts of a split.

    Returns:
        Rows per label, the most frequent first.

    Raises:
        DataError: there are no labels, only one class, or a class has fewer rows than `least`.
    """
    counts = count_labels(require_labels(table))
    if len(counts) == 1:
        only = next(iter(counts))
        raise DataError(
            f"expected at least two classes in column {table.target_name!r}, but all "
            f"{len(table):,} rows have the label {only!r}",
            file=table.files[0],
        )
    small = {label: count for label, count in counts.items() if count < least}
    if small:
        raise too_few(table, small, least)
    return counts


def too_few(table: Table, small: dict[str, int], least: int, unit: str = "row") -> DataError:
    """Return the error about classes that are too small, at the first row of the smallest."""
    label = min(small, key=lambda name: (small[name], name))
    count = small[label]
    others = join_names([name for name in small if name != label])
    more = f"; also too small: {others}" if others else ""
    near_all = len(small) > 1 and table.targets is not None and len(small) > len(table) // 4
    hint = "; is this the right label column?" if near_all else ""
    index = int(np.flatnonzero((require_labels(table) == label).to_numpy())[0])
    return table.error(
        index,
        f"the class {label!r} has {pluralize(count, unit)}, but each class needs "
        f"at least {least}, one for each part of the split: add rows of that class, drop it, or "
        f"give the parts as files of their own{more}{hint}",
    )


def check_known_labels(labels: pl.Series, known: Sequence[str], table: Table) -> Int64s:
    """Return the class numbers of labels: their indices in `known`.

    Args:
        labels: one label per row of `table`.
        known: the labels seen in training.
        table: the table of the labels, for messages.

    Returns:
        Class numbers [rows].

    Raises:
        DataError: a label has the key (`munjang.names`) of no known one; its row is named.
    """
    names, numbers = KnownLabels(known), {name: number for number, name in enumerate(known)}
    distinct = labels.unique()
    known_names = (names.find(label) for label in distinct)
    places = pl.DataFrame(
        {
            "label": distinct,
            "place": pl.Series(
                [None if name is None else numbers[name] for name in known_names], dtype=pl.Int64
            ),
        }
    )
    rows = pl.DataFrame({"label": labels})
    indices = rows.join(places, on="label", how="left", maintain_order="left")["place"]
    unknown = np.flatnonzero(indices.is_null().to_numpy())
    if len(unknown):
        first = int(unknown[0])
        more = f" ({len(unknown) - 1:,} more such rows)" if len(unknown) > 1 else ""
        raise table.error(
            first,
            f"the label {shorten(labels[first])} was never seen in training{more}; the known "
            f"labels are {join_names(known)}",
        )
    return indices.to_numpy().astype(np.int64)
