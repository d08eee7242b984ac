"""Validation of column values: clean texts and labels, and the faults of the others."""

import math
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.data.readers.faults import Fault, shorten
from munjang.data.readers.records import MISSING, Column
from munjang.text.blank import blank_rows
from munjang.text.columns import Int64s

ReadLabels = Callable[[Column, str, Int64s], tuple[pl.Series, list[Fault], Int64s]]

# The gap is filled with what messages call a value.
EMPTY, NOT_TEXT = "empty {}", "{} is not a string"
NO_LABEL, NO_KEY, NOT_LABEL = "missing label", "missing key", "label is not one value"
SURROGATE = "invalid Unicode"

_EXACT = 2.0**53  # from here on, floats do not distinguish consecutive whole numbers

# By index of each bad value, the reason and the message.
BadValues = dict[int, tuple[str, str]]


def clean_texts(
    column: Column, name: str, rows: Int64s, *, kind: str = "text"
) -> tuple[pl.Series, list[Fault], Int64s]:
    """Check that every value is a string with something in it.

    Args:
        column: values as read.
        name: name of the column, for messages.
        rows: line or row number of each value.
        kind: what messages call a value.

    Returns:
        The unchanged texts (empty where bad), the faults, and the indices of bad values.
    """
    column = as_series(column)
    if isinstance(column, list):
        texts, bad = _check_text_list(column, name, kind)
    else:
        texts, bad = _check_text_series(column, name, kind)
    blank = np.zeros(len(texts), dtype=bool)
    blank[blank_rows(texts)] = True
    message = f"expected a {kind} in column {name!r}, got an empty one"
    return texts, *group_faults(bad, blank, rows, EMPTY.format(kind), message)


def clean_labels(column: Column, name: str, rows: Int64s) -> tuple[pl.Series, list[Fault], Int64s]:
    """Turn labels into strings: the numbers `1` and `1.0` into "1", the boolean `True` into "true".

    A string is stripped and otherwise kept. `munjang.data.readers.class_names` unifies the names of
    one class afterwards.

    Args:
        column: values as read.
        name: name of the column, for messages.
        rows: line or row number of each value.

    Returns:
        The labels (empty where bad), the faults, and the indices of bad values.
    """
    column = as_series(column)
    if isinstance(column, list):
        labels, bad = _format_label_list(column, name)
    else:
        labels, bad = _format_label_series(column, name)
    labels = labels.str.strip_chars()
    blank = np.zeros(len(labels), dtype=bool)
    blank[blank_rows(labels)] = True
    message = f"the label column {name!r} holds nothing here"
    return labels, *group_faults(bad, blank, rows, NO_LABEL, message)


def group_faults(
    bad: BadValues, blank: npt.NDArray[np.bool_], rows: Int64s, reason: str, message: str
) -> tuple[list[Fault], Int64s]:
    """Group bad values into one fault per reason.

    Args:
        bad: reason and message by index of the value.
        blank: True for each empty value [values]; changed in place.
        rows: line or row number of each value.
        reason: reason for the empty values.
        message: message about each empty value.

    Returns:
        The faults, and the indices of bad values.
    """
    faults = []
    for other in dict.fromkeys(other for other, _ in bad.values()):
        indices = sorted(i for i, (named, _) in bad.items() if named == other)
        messages = [bad[i][1] for i in indices]
        faults.append(Fault(other, rows[indices], messages.__getitem__))
    blank[list(bad)] = False
    empty = np.flatnonzero(blank)
    faults.append(Fault(reason, rows[empty], lambda _: message))
    return faults, np.concatenate([np.array(sorted(bad), dtype=np.int64), empty])


def as_series(column: Column) -> Column:
    """Convert a list of one simple type to a series, which is checked much faster."""
    if isinstance(column, list) and set(map(type, column)) in ({str}, {int}, {bool}):
        with suppress(UnicodeEncodeError, OverflowError, TypeError):
            return pl.Series(column)
    return column


def _check_text_series(column: pl.Series, name: str, kind: str) -> tuple[pl.Series, BadValues]:
    if column.dtype == pl.Object:
        return _check_text_list(column.to_list(), name, kind)
    if isinstance(column.dtype, pl.Categorical | pl.Enum) or column.dtype == pl.Null:
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return column.fill_null(""), {}
    message = f"expected strings in the {kind} column {name!r}, got {column.dtype}"
    blank = pl.repeat("", len(column), dtype=pl.String, eager=True)
    return blank, dict.fromkeys(range(len(column)), (NOT_TEXT.format(kind), message))


def _check_text_list(column: list[Any], name: str, kind: str) -> tuple[pl.Series, BadValues]:
    bad: BadValues = {}
    texts = [""] * len(column)
    for i, value in enumerate(column):
        if isinstance(value, str):
            texts[i] = str(value)
        elif value is MISSING:
            bad[i] = (NO_KEY, f"expected the key {name!r}, which this line does not have")
        elif value is None or is_nan(value):
            bad[i] = (EMPTY.format(kind), f"expected a {kind} in column {name!r}, got nothing")
        else:
            bad[i] = (
                NOT_TEXT.format(kind),
                f"expected a string in the {kind} column {name!r}, got the "
                f"{type(value).__name__} {shorten(value)}",
            )
    return _to_strings(texts, bad), bad


def _format_label_list(column: list[Any], name: str) -> tuple[pl.Series, BadValues]:
    bad: BadValues = {}
    labels = [""] * len(column)
    for i, value in enumerate(column):
        if value is MISSING:
            bad[i] = (NO_KEY, f"expected the key {name!r}, which this line does not have")
        elif value is not None and not is_nan(value):
            label = format_label(value)
            if label is None:
                message = f"expected one label in column {name!r}, got {shorten(value)}"
                bad[i] = (NOT_LABEL, message)
            else:
                labels[i] = label
    return _to_strings(labels, bad), bad


def format_label(value: object) -> str | None:
    """Return one label as a string; None if the value is not a single label."""
    if isinstance(value, np.floating):
        value = float(str(value))  # keeps the digits of a 32-bit 0.1
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value) if isinstance(value, str | int | float | Decimal) else None


def _format_label_series(column: pl.Series, name: str) -> tuple[pl.Series, BadValues]:
    dtype = column.dtype
    if dtype == pl.String:
        return column.fill_null(""), {}
    if dtype == pl.Float32:  # keeps the digits of a 32-bit 0.1, as CSV has them
        column = column.cast(pl.String).cast(pl.Float64)
    if dtype.is_float() or dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        return _format_label_list(column.to_list(), name)
    return column.cast(pl.String).fill_null(""), {}


def _to_strings(values: list[str], bad: BadValues) -> pl.Series:
    """Convert to a series; strings with lone surrogates become bad."""
    try:
        return pl.Series(values, dtype=pl.String)
    except UnicodeEncodeError:
        for i, value in enumerate(values):
            problem = describe_invalid_unicode(value)
            if problem is not None:
                bad[i] = (SURROGATE, problem)
                values[i] = ""
        return pl.Series(values, dtype=pl.String)


def describe_invalid_unicode(value: str) -> str | None:
    """Return what is wrong with a string that holds a lone surrogate, or None."""
    try:
        if not value.isascii():
            value.encode()
    except UnicodeEncodeError as error:
        return f"not a valid Unicode string ({error.reason})"
    return None


def is_nan(value: object) -> bool:
    """Return whether a value is a NaN, or one of the missing values of pandas."""
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")  # of pandas
