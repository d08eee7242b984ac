"""The script of texts: Hangul asks for other tokens than the rest."""

from typing import Literal

import polars as pl

Script = Literal["korean", "other"]


def script_of(texts: pl.Series) -> Script:
    """Return `korean` if at least a fifth of the letters of the texts are Hangul.

    Of many texts some thousand are read, from all over: a file may be sorted by language.
    """
    some = texts.gather_every(max(1, len(texts) // 5000))
    hangul = int(some.str.count_matches(r"\p{Hangul}").sum() or 0)
    letters = int(some.str.count_matches(r"\p{L}").sum() or 0)
    return "korean" if letters and hangul / letters >= 0.2 else "other"
