"""Target columns other than class names: numbers, and sets of labels."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from munjang.data.readers.faults import Fault, shorten
from munjang.data.readers.records import MISSING, Column
from munjang.data.readers.values import (
    NO_KEY,
    NOT_LABEL,
    BadValues,
    as_series,
    clean_labels,
    format_label,
    group_faults,
    is_nan,
)
from munjang.text.columns import Int64s

NOT_NUMBER = "label is not a number"


def clean_numbers(column: Column, name: str, rows: Int64s) -> tuple[pl.Series, list[Fault], Int64s]:
    """Read every label as a finite number; `nan` and `inf` are faults.

    Args:
        column: values as read.
        name: name of the column, for messages.
        rows: line or row number of each value.

    Returns:
        The numbers (NaN where bad), the faults, and the indices of bad values.
    """
    labels, faults, bad = clean_labels(column, name, rows)
    numbers = labels.cast(pl.Float64, strict=False).fill_null(np.nan)
    wrong = np.setdiff1d(np.flatnonzero(~np.isfinite(numbers.to_numpy())), bad)

    def message(k: int) -> str:
        return f"expected a number in column {name!r}, got {shorten(labels[int(wrong[k])])}"

    return numbers, [*faults, Fault(NOT_NUMBER, rows[wrong], message)], np.append(bad, wrong)


def clean_label_sets(
    column: Column, name: str, rows: Int64s, *, separator: str
) -> tuple[pl.Series, list[Fault], Int64s]:
    """Read every value as a set of labels, which may be empty.

    A string holds labels separated by `separator`; a list (JSON Lines, Parquet, Python) holds one
    label per entry. Labels are stripped, and repeated ones removed.

    Args:
        column: values as read.
        name: name of the column, for messages.
        rows: line or row number of each value.
        separator: separator of labels in a string.

    Returns:
        Lists of strings (empty where bad), the faults, and the indices of bad values.
    """
    column = as_series(column)
    if isinstance(column, pl.Series) and column.dtype == pl.String:
        return _split(column, separator), [], np.empty(0, dtype=np.int64)
    bad: BadValues = {}
    sets = [_read_label_set(value, i, name, separator, bad) for i, value in enumerate(column)]
    blank = np.zeros(len(sets), dtype=bool)
    labels = pl.Series(sets, dtype=pl.List(pl.String))
    return labels, *group_faults(bad, blank, rows, NOT_LABEL, "")


def _split(strings: pl.Series, separator: str) -> pl.Series:
    label = pl.element().str.strip_chars()
    return (
        strings.fill_null("")
        .str.split(separator)
        .list.eval(label.filter(label != ""))
        .list.unique(maintain_order=True)
    )


def _read_label_set(value: Any, index: int, name: str, separator: str, bad: BadValues) -> list[str]:
    """Return the labels of one value, or record in `bad` what is wrong with it."""
    if value is None or is_nan(value):
        return []
    if value is MISSING:
        bad[index] = (NO_KEY, f"expected the key {name!r}, which this line does not have")
        return []
    if isinstance(value, str):
        entries: Iterable[Any] = value.split(separator)
    else:
        is_collection = isinstance(value, list | tuple | set | frozenset | np.ndarray | pl.Series)
        entries = value if is_collection else [value]
    labels = [format_label(entry) for entry in entries]
    if None in labels:
        bad[index] = (NOT_LABEL, f"expected labels in column {name!r}, got {shorten(value)}")
        return []
    stripped = (label.strip() for label in labels if label is not None)
    return list(dict.fromkeys(label for label in stripped if label))
