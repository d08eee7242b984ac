"""Are the labels fit for training, and known at evaluation?"""

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
        DataError: it has none.
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
        least: how many rows each class needs, such as the number of parts of a split.

    Returns:
        Rows of each label, the most frequent first.

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
    hint = "; is the right column taken for the labels?" if near_all else ""
    index = int(np.flatnonzero((require_labels(table) == label).to_numpy())[0])
    return table.error(
        index,
        f"the class {label!r} has {pluralize(count, unit)}, but each class needs "
        f"at least {least}, one for each part of the split: add rows of that class, drop it, or "
        f"give the parts as files of their own{more}{hint}",
    )


def check_known_labels(labels: pl.Series, known: Sequence[str], table: Table) -> Int64s:
    """Number the labels of a table by their place in `known`.

    Args:
        labels: one label a row of `table`.
        known: the labels seen in training.
        table: where the labels stand, for the message.

    Returns:
        For each row the index of its label in `known`.

    Raises:
        DataError: no known label has the key of one (`munjang.names`); names its row and the known
            ones.
    """
    names, numbers = KnownLabels(known), {name: number for number, name in enumerate(known)}
    given = labels.unique()
    found_names = (names.find(label) for label in given)
    places = pl.DataFrame(
        {
            "label": given,
            "place": pl.Series(
                [None if name is None else numbers[name] for name in found_names], dtype=pl.Int64
            ),
        }
    )
    rows = pl.DataFrame({"label": labels})
    found = rows.join(places, on="label", how="left", maintain_order="left")["place"]
    unknown = np.flatnonzero(found.is_null().to_numpy())
    if len(unknown):
        first = int(unknown[0])
        more = f" ({len(unknown) - 1:,} more such rows)" if len(unknown) > 1 else ""
        raise table.error(
            first,
            f"the label {shorten(labels[first])} was never seen in training{more}; the known "
            f"labels are {join_names(known)}",
        )
    return found.to_numpy().astype(np.int64)
