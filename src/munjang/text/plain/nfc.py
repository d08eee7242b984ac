"""Unicode normalization of a text, in linear time.

Normal forms: Unicode Standard Annex 15.
"""

import unicodedata
from itertools import groupby
from typing import Literal

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

# Marks of combining class 0 that decompose to two marks.
_MARKS_OF_TWO = ("\u0f73", "\u0f75", "\u0f81")
# Up to this length `unicodedata` alone orders the marks faster.
_LONG = 1000


def normalize_text(text: str, form: Form = "NFC") -> str:
    """Bring a text to a Unicode normal form; `munjang.text.normalize` does it for a column."""
    if len(text) > _LONG and not unicodedata.is_normalized(form, text):
        text = _with_marks_in_order(text)
    return unicodedata.normalize(form, text)


def _with_marks_in_order(text: str) -> str:
    """Return an equivalent text with marks sorted by combining class.

    `unicodedata` sorts them too, but in time that is quadratic in the length of a run of marks.
    """
    for mark in _MARKS_OF_TWO:
        text = text.replace(mark, unicodedata.normalize("NFD", mark))
    runs = groupby(text, key=lambda character: unicodedata.combining(character) > 0)
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if are_marks else run)
        for are_marks, run in runs
    )
