"""Pre-tokens: where a text is cut before subwords are learned or looked up inside the pieces.

    "재미있다!! 2번 봤다"  ->  ▁재미있다  !!  ▁2  번  ▁봤다

A space becomes ▁ (U+2581) and belongs to what follows it, and every text begins with one, so that
a word is the same at the start of a text and inside it, and nothing is lost: joining the pieces
and dropping the first ▁ gives the text back. A ▁ that stands in the text itself becomes a space
in turn, so the two never mix.

Runs of letters, of numbers, of punctuation, of symbols (emoji) and of other white space are kept
apart; marks and joiners stay with what they follow. No pre-token is longer than 64 characters, so
work stays in proportion to the text even where there is no space in 100,000 characters.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.text.columns import Int64s
from munjang.text.cutting.codepoints import (
    Bools,
    ClassTable,
    Points,
    bounds_of,
    category_of,
    strings_of,
)
from munjang.text.cutting.one_text import ClassLetters
from munjang.text.cutting.utf32 import from_utf32, to_utf32

SPACE_SIGN = "\u2581"
LONGEST = 64

_LETTER, _NUMBER, _PUNCTUATION, _SYMBOL, _BLANK, _SPACE_SIGN, _HASH, _MARK = range(8)
_BY_CATEGORY = {"L": _LETTER, "N": _NUMBER, "M": _MARK, "P": _PUNCTUATION, "Z": _BLANK}


def _class_of(character: str) -> int:
    if character == SPACE_SIGN:
        return _SPACE_SIGN
    if character == "#":  # alone, so that WordPiece's own ## never meets one
        return _HASH
    category = category_of(character)
    if category == "So":
        return _SYMBOL
    if category in ("Cf", "Sk"):  # joiners, tags, skin tones
        return _PUNCTUATION if character.isascii() else _MARK
    if category[0] == "S":
        return _PUNCTUATION
    return _BY_CATEGORY.get(category[0], _BLANK)


_classes = ClassTable(_class_of)


@dataclass(frozen=True)
class Pretokens:
    """The pre-tokens of a column of texts.

    Attributes:
        points: the characters of all texts, spaces swapped, one ▁ put before each [characters].
        cuts: text `i` is `points[cuts[i]:cuts[i + 1]]` [rows + 1].
        starts: where each pre-token begins in `points`, and the end of all [pretokens + 1].
    """

    points: Points
    cuts: Int64s
    starts: Int64s

    def offsets(self) -> Int64s:
        """Text `i` holds the pre-tokens `offsets[i]:offsets[i + 1]` [rows + 1]."""
        return np.searchsorted(self.starts, self.cuts).astype(np.int64)

    def distinct(self) -> tuple[list[str], npt.NDArray[np.int32]]:
        """The distinct pre-tokens by first appearance, and which one each is [pretokens]."""
        strings = strings_of(self.points, self.starts[:-1], self.starts[1:])
        encoded = strings.dictionary_encode()
        return encoded.dictionary.to_pylist(), np.asarray(encoded.indices, dtype=np.int32)

    def spaced(self, known: Bools) -> pl.Series:
        """The texts with a space between pre-tokens, and for each character that is not known.

        Args:
            known: table [0x110000] of the characters to keep.
        """
        kept = np.where(known[self.points], self.points, np.uint32(ord(" ")))
        inner = self.starts[1:-1]
        spaced = np.insert(kept, inner, np.uint32(ord(" ")))
        return from_utf32(spaced, self.cuts + np.searchsorted(inner, self.cuts))


def pretokenise(texts: pl.Series) -> Pretokens:
    """Cut a column of NFC texts. An empty text has no pre-token."""
    points, cuts = to_utf32(texts)
    points = swap_spaces(points)
    filled = np.diff(cuts) > 0
    points = np.insert(points, cuts[:-1][filled], np.uint32(ord(SPACE_SIGN)))
    cuts = cuts + bounds_of(filled)
    return Pretokens(points, cuts, _limit(np.flatnonzero(_begins(points)), len(points)))


# Classes as letters of a string, for texts one by one: a run of one class with its marks, and the ▁
# before it if there is one.
_letters = ClassLetters(_class_of, "LNPSB_#m")
_PRETOKEN = re.compile(r"(?:_m*)?(?:L[Lm]*|N[Nm]*|P[Pm]*|S[Sm]*|B[Bm]*|#m*)|_m*")
_SWAPPED = {ord(" "): SPACE_SIGN, ord(SPACE_SIGN): " "}


def pretokens_of(text: str) -> list[str]:
    """The pre-tokens of one NFC text."""
    if not text:
        return []
    swapped = SPACE_SIGN + text.translate(_SWAPPED)
    pretokens: list[str] = []
    for found in _PRETOKEN.finditer(swapped.translate(_letters)):
        start, end = found.span()
        if end - start <= LONGEST:
            pretokens.append(swapped[start:end])
        else:
            pretokens += [swapped[s : min(s + LONGEST, end)] for s in range(start, end, LONGEST)]
    return pretokens


def without_last_pretoken(text: str) -> str:
    """All of an NFC text but its last pre-token, the only one that goes on if the text does."""
    return "".join(pretokens_of(text)[:-1])[1:].translate(_SWAPPED)


def swap_spaces(points: Points) -> Points:
    """Exchange space and ▁; twice gives the same text again."""
    space, sign = np.uint32(ord(" ")), np.uint32(ord(SPACE_SIGN))
    return np.where(points == space, sign, np.where(points == sign, space, points))


def _begins(points: Points) -> Bools:
    """True where a pre-token begins [characters]."""
    classes = _classes[points]
    marks = classes == _MARK
    if marks.any():
        bases = np.maximum.accumulate(np.where(marks, 0, np.arange(len(points))))
        classes = classes[bases]
    signs = classes == _SPACE_SIGN
    begins: Bools = signs | (classes == _HASH)
    begins[1:] |= classes[1:] != classes[:-1]
    begins[1:] &= ~signs[:-1] | signs[1:]
    begins &= ~marks
    return begins


def _limit(starts: Int64s, end: int) -> Int64s:
    """Cut what is longer than `LONGEST`; also append the end of all."""
    lengths = np.diff(starts, append=end)
    parts = -(-lengths // LONGEST)
    within = np.arange(parts.sum()) - np.repeat(bounds_of(parts)[:-1], parts)
    return np.append(np.repeat(starts, parts) + LONGEST * within, end)
