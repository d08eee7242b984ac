r"""Empty texts: those in which nothing can be seen.

White space of every kind, control characters, and what Unicode says to ignore where it is not
known (zero-width signs, byte order marks, soft hyphens, variation selectors, the Hangul fillers
that stand for an empty message): a text of nothing else is empty, wherever texts are read, trained
on or answered. Unicode Standard, section 5.21, "Ignoring Characters in Processing".
"""

import re

import polars as pl

from munjang.text.columns import Int64s

# Default_Ignorable_Code_Point of Unicode, which Python's `re` does not know by name.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Read alike by Python and by Polars: the characters stand in it as themselves.
VISIBLE = rf"[^\s\x00-\x20\x7f-\xa0{_IGNORABLE}]"

_visible = re.compile(VISIBLE)


def is_blank(text: str) -> bool:
    """Whether nothing can be seen in a text."""
    return _visible.search(text) is None


def blank_rows(texts: pl.Series) -> Int64s:
    """Places of the empty texts of a column of strings without nulls, ascending."""
    found: Int64s = (~texts.str.contains(VISIBLE)).arg_true().to_numpy().astype("int64")
    return found


def without_blanks(texts: pl.Series) -> pl.Series:
    """The same column, its empty texts "" whatever stands in them."""
    blank = blank_rows(texts)
    return texts if not len(blank) else texts.clone().scatter(blank, "")
