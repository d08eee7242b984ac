r"""Blank texts: those without a visible character.

A text is blank if it holds only white space, control characters, and what Unicode lets software
ignore (zero-width characters, byte order marks, soft hyphens, variation selectors, the Hangul
fillers that stand for an empty message). Readers, training and prediction all use this rule.
Unicode Standard, section 5.21, "Ignoring Characters in Processing".
"""

import re

import polars as pl

from munjang.text.columns import Int64s

# Unicode's Default_Ignorable_Code_Point, which Python's `re` has no name for.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Python and Polars read it the same way, as the characters are not escaped.
VISIBLE = rf"[^\s\x00-\x20\x7f-\xa0{_IGNORABLE}]"

_visible = re.compile(VISIBLE)


def is_blank(text: str) -> bool:
    """Return whether a text has no visible character."""
    return _visible.search(text) is None


def blank_rows(texts: pl.Series) -> Int64s:
    """Return the row numbers of blank texts, ascending, of a column of strings without nulls."""
    rows: Int64s = (~texts.str.contains(VISIBLE)).arg_true().to_numpy().astype("int64")
    return rows


def without_blanks(texts: pl.Series) -> pl.Series:
    """Return the column with each blank text replaced by an empty one."""
    blank = blank_rows(texts)
    return texts if not len(blank) else texts.clone().scatter(blank, "")
