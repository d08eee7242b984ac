"""Where words begin and end: Keras' rule, Unicode's words, single characters."""

from functools import lru_cache

import numpy as np

from munjang.text.columns import Int64s
from munjang.text.cutting.codepoints import (
    CODE_POINTS,
    Bools,
    Bytes,
    ClassTable,
    Points,
    category_of,
    lower_table,
)
from munjang.text.cutting.keys import SEPARATOR_CODE, Codes, code_table
from munjang.text.cutting.segment import Cutter

KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


@lru_cache(maxsize=8)
def keras_cutter(filters: str, lower: bool, split: str) -> Cutter:
    """Keras' words: lower-case, turn every filtered character into `split`, cut at `split`.

    Args:
        filters: characters that stand for `split`, in lower case if `lower`.
        lower: whether to lower-case first.
        split: one character, in lower case if `lower`.
    """
    letters = np.arange(CODE_POINTS, dtype=np.uint32)
    letters[[ord(character) for character in filters]] = ord(split)
    if lower:
        letters = letters.take(lower_table())
    codes = code_table(letters)
    codes[letters == ord(split)] = SEPARATOR_CODE
    return Cutter(_between_separators, letters, codes, joiner=split, lower=lower)


def _between_separators(codes: Codes, points: Points) -> tuple[Int64s, Int64s]:
    inside = codes != SEPARATOR_CODE
    edges = np.zeros(len(inside) + 1, dtype=np.bool_)
    if len(inside):
        edges[0], edges[-1] = inside[0], inside[-1]
        np.not_equal(inside[1:], inside[:-1], out=edges[1:-1])
    places = np.flatnonzero(edges)
    return np.ascontiguousarray(places[::2]), np.ascontiguousarray(places[1::2])


@lru_cache(maxsize=2)
def character_cutter(lower: bool) -> Cutter:
    """Every character is a token."""
    letters = _lowered(lower)
    return Cutter(_every_character, letters, code_table(letters), joiner="", lower=lower)


def _lowered(lower: bool) -> Points:
    return lower_table() if lower else np.arange(CODE_POINTS, dtype=np.uint32)


def _every_character(codes: Codes, points: Points) -> tuple[Int64s, Int64s]:
    places = np.arange(len(points) + 1, dtype=np.int64)
    return places[:-1], places[1:]


@lru_cache(maxsize=2)
def unicode_cutter(lower: bool) -> Cutter:
    """Runs of letters, numbers and marks; every other symbol is a token of its own.

    White space and control characters separate. A mark (an accent, a variation selector, a skin
    tone) or a format character (a joiner, a soft hyphen) belongs to the token before it, and a
    zero-width joiner ties two symbols into one, as in Unicode's annex 29. A mark with nothing
    before it begins a word; a format character with nothing before it separates.
    """
    letters = _lowered(lower)
    return Cutter(_unicode_words, letters, code_table(letters), joiner="\n", lower=lower)


_SPACE, _WORD, _SYMBOL, _MARK, _FORMAT, _JOINER = range(6)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def _class_of(character: str) -> int:
    if character == "\u200d":
        return _JOINER
    if ord(character) in _SKIN_TONES:
        return _MARK
    category = category_of(character)
    if category == "Cf":
        return _FORMAT
    if category == "Cc" or category[0] == "Z":
        return _SPACE
    return {"L": _WORD, "N": _WORD, "M": _MARK}.get(category[0], _SYMBOL)


_classes = ClassTable(_class_of)


def _unicode_words(codes: Codes, points: Points) -> tuple[Int64s, Int64s]:
    classes = _classes[points]
    bases = _bases(classes)
    inside = bases != _SPACE
    after_word = _shifted(bases == _WORD)
    tied = _shifted((classes == _JOINER) & (bases == _SYMBOL))
    begins = ((classes == _SYMBOL) & ~tied) | ((bases == _WORD) & ~after_word)
    ends = inside & ~np.append((inside & ~begins)[1:], False)
    return np.flatnonzero(begins), np.flatnonzero(ends) + 1


def _shifted(flags: Bools) -> Bools:
    """For each character, the flag of the one before it."""
    return np.concatenate([np.zeros(1, dtype=np.bool_), flags])[: len(flags)]


def _bases(classes: Bytes) -> Bytes:
    """For a mark or a format character, the class of what it stands on; else its own class."""
    leans = classes >= _MARK
    if not leans.any():
        return classes
    places = np.where(leans, 0, np.arange(len(classes)))
    bases = classes.take(np.maximum.accumulate(places))
    bases[bases >= _MARK] = _SPACE  # the text begins with them: there is nothing to stand on
    bases[(classes == _MARK) & (bases == _SPACE)] = _WORD
    return bases
