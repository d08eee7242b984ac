"""Collections of texts from Python.

One string is one text. A list, a tuple, a generator, an array of NumPy, a Series of pandas or
Polars, an array of PyArrow: one text per entry. A table has several columns, a mapping has keys and
values, a set has no order, bytes have no encoding: these raise an error that suggests what to pass.

No data frame library is used for a string or a list, so that one text is answered quickly.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from munjang.errors import DataError
from munjang.text.plain.blank import is_blank

_MAX_NAMES = 8  # columns of a table that a message lists


def collect_texts(texts: str | Iterable[str]) -> list[str]:
    """Return the texts of a collection as a list; a text without visible characters becomes "".

    Raises:
        DataError: it is not a collection of texts, or an entry is not a string or holds a lone
            surrogate; names the place of the entry.
    """
    return [_check_text(text, i) for i, text in enumerate(collect_values(texts, "text"))]


def collect_values(values: Any, kind: str, *, nested: bool = False) -> list[Any]:
    """Return the entries of a collection as a list, whatever their types.

    Args:
        values: the collection; one string is a collection of one.
        kind: name of an entry in messages.
        nested: whether an entry may itself be an array, as a set of labels is.

    Raises:
        DataError: it is not a collection, or one whose entries have no order or are columns.
    """
    if isinstance(values, list):
        return values
    if isinstance(values, str):
        return [values]
    _require_sequence(values, kind)
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1 and not (nested and shape):
        raise DataError(
            f"expected one column of {kind}s, got an array of shape {shape}; choose one column, "
            f"as in {kind}s[:, 0]"
        )
    for method in ("to_pylist", "to_list", "tolist"):  # PyArrow; Polars and pandas; NumPy
        if hasattr(values, method):
            return list(getattr(values, method)())
    return list(values)


def is_table(values: object) -> bool:
    """Return whether an object is a table of columns, as of Polars, pandas or PyArrow."""
    kind = type(values)
    # reading the columns of a lazy frame itself would compute them
    has_columns = hasattr(kind, "columns") or "columns" in getattr(values, "__dict__", ())
    return has_columns and hasattr(kind, "__getitem__")


def column_names(table: Any) -> list[str]:
    """Return the names of the columns of a table, without computing a lazy one."""
    names = getattr(table, "column_names", None) or _column_names(table)
    return [str(name) for name in names]


def _require_sequence(values: Any, kind: str) -> None:
    """Raise about values that are not iterable, or whose iteration would not give the entries."""
    got = type(values).__name__
    wanted = "a string or strings" if kind == "text" else f"{kind}s"
    if is_table(values):
        names = column_names(values)
        listing = ", ".join(names[:_MAX_NAMES])
        listing += ", ..." if len(names) > _MAX_NAMES else ""
        example = names[0] if names else "text"
        fix = f'a table of columns ({listing}): choose one, as in df["{example}"]'
    elif isinstance(values, Mapping):
        fix = f'a mapping: give the {kind}s in it, as in list(given.values()) or given["{kind}"]'
    elif isinstance(values, set | frozenset):
        fix = "a set, whose entries have no order: give sorted(given)"
    elif isinstance(values, bytes | bytearray | memoryview):
        fix = 'which has no encoding: decode it first, as in given.decode("utf-8")'
    elif not hasattr(values, "__iter__"):
        raise DataError(f"expected {wanted}, got {got}")
    else:
        return
    raise DataError(f"expected {wanted}, got {got}, {fix}")


def _column_names(table: Any) -> Iterable[Any]:
    if hasattr(table, "collect_schema"):  # Polars, eager or lazy
        return list(table.collect_schema())
    return list(table.columns)


def _check_text(text: Any, place: int) -> str:
    if not isinstance(text, str):
        raise DataError(f"texts[{place}]: expected a string, got {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"texts[{place}]: holds half of a surrogate pair, which is not a character; decode "
                "the text with errors='replace'"
            ) from None
    return "" if is_blank(text) else str(text)
