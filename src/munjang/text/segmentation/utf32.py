"""Conversion of columns of texts to one flat array of code points and back, without loops."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from munjang.errors import DataError
from munjang.text.columns import Int64s
from munjang.text.segmentation.codepoints import Points, bounds_of, strings_of


def require_texts(texts: pl.Series) -> pl.Series:
    """Return `texts` if it is a column of strings without nulls; else raise `DataError`."""
    if not isinstance(texts, pl.Series):
        raise DataError(
            f"texts must come as a polars.Series of strings, not as {type(texts).__name__}; "
            "wrap them: pl.Series(texts)"
        )
    if texts.dtype == pl.Null and texts.is_empty():
        return texts.cast(pl.String)
    if texts.dtype not in (pl.String, pl.Null):
        raise DataError(f"a column of texts must hold strings; this one holds {texts.dtype}")
    if texts.null_count():
        row = int(texts.is_null().arg_max() or 0) + 1
        raise DataError(
            "expected a text but there is none (null); give an empty text or leave the row out",
            row=row,
        )
    return texts


def to_utf32(texts: pl.Series) -> tuple[Points, Int64s]:
    """Return the code points of a column [characters] and its row offsets [rows + 1].

    Row `i` is `points[offsets[i]:offsets[i + 1]]`. The array takes four bytes per character.
    """
    column = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    _, cuts, data = column.buffers()
    if data is None:
        return np.zeros(0, dtype=np.uint32), np.zeros(len(texts) + 1, dtype=np.int64)
    byte_offsets = np.frombuffer(cuts, dtype=np.int64)[column.offset :]
    utf8 = memoryview(data)[byte_offsets[0] : byte_offsets[len(texts)]]
    points = np.frombuffer(str(utf8, "utf-8").encode("utf-32-le"), dtype=np.uint32)
    return points, bounds_of(texts.str.len_chars().to_numpy())


def points_of(text: str) -> Points:
    """Return the code points of one text [characters]; see `to_utf32` for a column."""
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def from_utf32(points: npt.ArrayLike, offsets: Int64s) -> pl.Series:
    """Build a column of texts from code points without surrogates: the inverse of `to_utf32`."""
    flat = np.ascontiguousarray(points, dtype=np.uint32)
    return pl.Series(strings_of(flat, offsets[:-1], offsets[1:]), dtype=pl.String)
