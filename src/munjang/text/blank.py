"""Blank texts in columns; see `munjang.text.plain.blank`."""

import polars as pl

from munjang.text.columns import Int64s
from munjang.text.plain.blank import VISIBLE


def blank_rows(texts: pl.Series) -> Int64s:
    """Return the row numbers of blank texts, ascending, of a column of strings without nulls."""
    rows: Int64s = (~texts.str.contains(VISIBLE)).arg_true().to_numpy().astype("int64")
    return rows


def without_blanks(texts: pl.Series) -> pl.Series:
    """Return the column with each blank text replaced by an empty one."""
    blank = blank_rows(texts)
    return texts if not len(blank) else texts.clone().scatter(blank, "")
