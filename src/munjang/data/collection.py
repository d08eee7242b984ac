"""Collections of texts: what people may give from Python where texts are wanted.

One string is one text. A list, a tuple, a generator, an array of NumPy, a Series of pandas or
Polars, an array of PyArrow: one text per entry. A table has several columns, a mapping has keys and
values, a set has no order, bytes have no encoding: these are refused, with what to give instead.

No data frame library is used to read a string or a list, so that one text is answered quickly.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from munjang.errors import DataError
from munjang.text.blank import is_blank

_NAMED = 8  # columns of a table that a message names


def texts_of(texts: str | Iterable[str]) -> list[str]:
    """The texts of a collection; a text in which nothing can be seen becomes "".

    Raises:
        DataError: it is no collection of texts; or an entry is None, not a string, or holds half of
            a surrogate pair, and its place is named.
    """
    listed = values_of(texts, "text")
    return [_text(text, place) for place, text in enumerate(listed)]


def values_of(values: Any, kind: str, *, nested: bool = False) -> list[Any]:
    """The entries of a collection, of whatever kind each is.

    Args:
        values: the collection; one string is a collection of one.
        kind: what messages call an entry.
        nested: whether an entry may be an array itself, as a set of labels is.

    Raises:
        DataError: it is no collection, or one whose entries have no order or are columns.
    """
    if isinstance(values, list):
        return values
    if isinstance(values, str):
        return [values]
    _refuse(values, kind)
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
    """Whether an object is a table of columns: of Polars, pandas, PyArrow and their like."""
    kind = type(values)
    # asking a lazy frame itself for its columns would compute them
    named = hasattr(kind, "columns") or "columns" in getattr(values, "__dict__", ())
    return named and hasattr(kind, "__getitem__")


def _refuse(values: Any, kind: str) -> None:
    """Refuse what can be iterated over, but not as a person would expect, and what cannot."""
    got = type(values).__name__
    wanted = "a string or strings" if kind == "text" else f"{kind}s"
    if is_table(values):
        names = list(getattr(values, "column_names", None) or _column_names(values))
        named = ", ".join(map(str, names[:_NAMED])) + (", ..." if len(names) > _NAMED else "")
        example = names[0] if names else "text"
        cure = f'a table of columns ({named}): choose one, as in df["{example}"]'
    elif isinstance(values, Mapping):
        cure = f'a mapping: give the {kind}s in it, as in list(given.values()) or given["{kind}"]'
    elif isinstance(values, set | frozenset):
        cure = "a set, whose entries have no order: give sorted(given)"
    elif isinstance(values, bytes | bytearray | memoryview):
        cure = 'which has no encoding: decode it first, as in given.decode("utf-8")'
    elif not hasattr(values, "__iter__"):
        raise DataError(f"expected {wanted}, got {got}")
    else:
        return
    raise DataError(f"expected {wanted}, got {got}, {cure}")


def _column_names(table: Any) -> Iterable[Any]:
    if hasattr(table, "collect_schema"):  # of Polars, also where it is lazy
        return list(table.collect_schema())
    return list(table.columns)


def _text(text: Any, place: int) -> str:
    if not isinstance(text, str):
        raise DataError(f"texts[{place}]: expected a string, got {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"texts[{place}]: holds half of a surrogate pair, which is no character; decode "
                "the text with errors='replace'"
            ) from None
    return "" if is_blank(text) else str(text)
