"""Collections of two texts per row from Python.

A list holds rows: [("a", "b"), ("c", "d")] are two rows. A tuple of two strings is one row, a tuple
of two collections holds columns: (firsts, seconds). An array of NumPy has two columns, as has a
data frame.
"""

from typing import Any

from munjang.data.collection import collect_texts, collect_values, column_names, is_table
from munjang.errors import DataError

_EXPECTED = 'expected pairs of texts, such as [("first", "second")]'


def split_pairs(pairs: Any) -> tuple[Any, Any]:
    """Return the first and the second texts of a collection, whatever their types.

    Raises:
        DataError: it is not a collection of pairs; names the index of the entry.
    """
    if is_table(pairs):
        return _split_frame(pairs)
    if isinstance(pairs, tuple) and len(pairs) == 2:
        if all(isinstance(side, str) for side in pairs):
            return [pairs[0]], [pairs[1]]
        if not any(isinstance(side, str) for side in pairs):
            return pairs
    shape = getattr(pairs, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2:
        if shape[1] != 2:
            raise DataError(f"{_EXPECTED}, got an array of shape {shape}")
        return list(pairs[:, 0]), list(pairs[:, 1])
    if isinstance(pairs, str):
        raise DataError(f"{_EXPECTED}, got one text")
    rows = collect_values(pairs, "pair", nested=True)
    for index, row in enumerate(rows):
        if isinstance(row, str) or not hasattr(row, "__len__") or len(row) != 2:
            got = "one text" if isinstance(row, str) else f"{type(row).__name__}"
            count = (
                f" of {len(row)}" if not isinstance(row, str) and hasattr(row, "__len__") else ""
            )
            raise DataError(f"pairs[{index}]: expected two texts (first, second), got {got}{count}")
    return [row[0] for row in rows], [row[1] for row in rows]


def collect_pairs(pairs: Any) -> tuple[list[str], list[str]]:
    """Return first and second texts as lists; a text without visible characters becomes "".

    Raises:
        DataError: it is not a collection of pairs, or an entry is not a text; its index is named.
    """
    sides = split_pairs(pairs)
    collected = []
    for name, side in zip(("first", "second"), sides, strict=True):
        try:
            collected.append(collect_texts(side))
        except DataError as error:
            raise DataError(f"{name} {error}") from None
    first, second = collected
    if len(first) != len(second):
        raise DataError(
            f"expected as many first texts as second texts, got {len(first):,} and {len(second):,}"
        )
    return first, second


def _split_frame(frame: Any) -> tuple[Any, Any]:
    from munjang.data.two_texts.columns import find_pair_columns

    names = column_names(frame)
    pair = find_pair_columns(names)
    if pair is None and len(names) == 2:
        pair = names[0], names[1]
    if pair is None:
        raise DataError(
            f"{_EXPECTED}, got a table of the columns {', '.join(names[:8])}: give the two columns "
            'as (df["a"], df["b"])'
        )
    if hasattr(frame, "collect"):  # a lazy frame
        frame = frame.collect()
    first, second = (names.index(name) for name in pair)
    return _take_column(frame, first), _take_column(frame, second)


def _take_column(frame: Any, place: int) -> Any:
    """Return a column of a frame of pandas, Polars or PyArrow by its place."""
    if hasattr(frame, "iloc"):
        return frame.iloc[:, place]
    return frame.column(place) if hasattr(frame, "column") else frame.to_series(place)
