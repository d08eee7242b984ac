"""Capitals as tokens of their own: lower-cased words share their rows, and a name is still a name.

    "What did NASA name after Hubble ?"  ->  what  did  ⇪  nasa  name  after  ⇧  hubble  ?

The first word of a text says nothing by its first capital and gets no sign for it. Where all
texts were in lower case there are no signs, of later texts neither. The same idea,
with other signs, as the `xxmaj` and `xxup` of fastai, the library of "Universal language model
fine-tuning for text classification" (Howard and Ruder 2018).
"""

from collections.abc import Container

import numpy as np
import polars as pl

from munjang.text.columns import Int32s, Int64s

CAPITAL = "\N{UPWARDS WHITE ARROW}"
"""What stands before a word that begins with a capital: the sign on the shift key."""
CAPITALS = "\N{UPWARDS WHITE ARROW FROM BAR}"
"""What stands before a word of capitals alone, two or more: the sign on the caps-lock key."""
SIGNS = (CAPITAL, CAPITALS)

# Behind a format character too a word may go on, see `munjang.text.cutting.cutters`.
_INSIDE = r"\p{L}\p{N}\p{M}\p{Cf}"
_OF_CAPITALS = rf"(^|[^{_INSIDE}])(\p{{Lu}}[\p{{N}}\p{{M}}]*\p{{Lu}}[\p{{Lu}}\p{{N}}\p{{M}}]*)\b"
_BEGINS_WITH_CAPITAL = rf"([^{_INSIDE}{CAPITALS}])([\p{{Lu}}\p{{Lt}}])"


def with_capitals(texts: pl.Series, signs: Container[str] = SIGNS) -> pl.Series:
    """`texts` with a sign before every word that is written in capitals or begins with one.

    Args:
        texts: column of strings.
        signs: those that are set.
    """
    if CAPITALS in signs:
        texts = texts.str.replace_all(_OF_CAPITALS, rf"${{1}}{CAPITALS}${{2}}")
    if CAPITAL in signs:
        texts = texts.str.replace_all(_BEGINS_WITH_CAPITAL, rf"${{1}}{CAPITAL}${{2}}")
    return texts


def before_capitals(
    texts: pl.Series, signed: pl.Series, offsets: Int64s, starts: Int32s, ends: Int32s
) -> tuple[Int32s, Int32s]:
    """Character ranges in `signed` as ranges in `texts`; that of a sign is empty.

    Args:
        texts: as they were [rows].
        signed: `with_capitals(texts)` [rows].
        offsets: row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1].
        starts: first character of each token [tokens].
        ends: one past its last [tokens].
    """
    starts, ends = starts.copy(), ends.copy()
    for row in (texts != signed).arg_true():
        tokens = slice(offsets[row], offsets[row + 1])
        origins, added = _origins(texts[row], signed[row])
        last = ends[tokens] - 1
        starts[tokens] = origins[starts[tokens]]
        ends[tokens] = origins[last] + ~added[last]
    return starts, ends


def _origins(text: str, signed: str) -> tuple[Int64s, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """Where each character of `signed` stands in `text`, and whether it was added before there."""
    origins = np.zeros(len(signed), dtype=np.int64)
    added = np.zeros(len(signed), dtype=np.bool_)
    place = 0
    for number, character in enumerate(signed):
        origins[number] = place
        added[number] = character != text[place]
        place += not added[number]
    return origins, added


def capitalised(pieces: pl.Series, offsets: Int64s) -> tuple[pl.Series, Int64s]:
    """Words as `decode` joins them, with capitals in place of signs.

    Args:
        pieces: words and signs [tokens].
        offsets: row `i` holds `pieces[offsets[i]:offsets[i + 1]]` [rows + 1].

    Returns:
        Words alone, and their offsets. A sign before no word of its row is dropped.
    """
    before = pieces.shift(1, fill_value="").to_list()
    for first in offsets[:-1][offsets[:-1] < len(pieces)]:
        before[first] = ""
    words = pl.Series(
        [
            piece.upper()
            if sign == CAPITALS
            else piece[:1].upper() + piece[1:]
            if sign == CAPITAL
            else piece
            for piece, sign in zip(pieces.to_list(), before, strict=True)
        ],
        dtype=pl.String,
    )
    real = ~pieces.is_in(SIGNS).to_numpy()
    kept_before = np.zeros(len(real) + 1, dtype=np.int64)
    np.cumsum(real, out=kept_before[1:])
    return words.filter(pl.Series(real)), kept_before[offsets]
