r"""Blank texts: those without a visible character.

A text is blank if it holds only white space, control characters, and what Unicode lets software
ignore (zero-width characters, byte order marks, soft hyphens, variation selectors, the Hangul
fillers that stand for an empty message). Readers, training and prediction all use this rule.
Unicode Standard, section 5.21, "Ignoring Characters in Processing".
"""

import re

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
