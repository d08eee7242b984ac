"""Pre-tokenizer of the subword tokenizers: pieces of text that no subword crosses.

    "재미있다!! 2번 봤다"  ->  ▁재미있다  !!  ▁2  번  ▁봤다

A space becomes ▁ (U+2581) and belongs to what follows it. Every text begins with a ▁, so that a
word is the same at the start of a text and inside it. It is lossless: joining the pre-tokens and
dropping the first ▁ restores the text. A ▁ in the text itself becomes a space, so the two never
mix.

Runs of letters, of numbers, of punctuation, of symbols (emoji) and of other white space are
separate pre-tokens; marks and joiners stay with the character before them. No pre-token is longer
than 64 characters, so time is linear even in a text of 100,000 characters without a space.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.text.columns import Int64s
from munjang.text.segmentation.codepoints import (
    Bools,
    ClassTable,
    Points,
    bounds_of,
    category_of,
    strings_of,
)
from munjang.text.segmentation.one_text import ClassLetters
from munjang.text.segmentation.utf32 import from_utf32, to_utf32

SPACE_SIGN = "\u2581"
LONGEST = 64

_LETTER, _NUMBER, _PUNCTUATION, _SYMBOL, _BLANK, _SPACE_SIGN, _HASH, _MARK = range(8)
_BY_CATEGORY = {"L": _LETTER, "N": _NUMBER, "M": _MARK, "P": _PUNCTUATION, "Z": _BLANK}


def _class_of(character: str) -> int:
    if character == SPACE_SIGN:
        return _SPACE_SIGN
    if character == "#":  # alone, so that it cannot be confused with WordPiece's ##
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
        points: characters of all texts, spaces swapped, with a ▁ before each text [characters].
        cuts: text `i` is `points[cuts[i]:cuts[i + 1]]` [rows + 1].
        starts: start of each pre-token in `points`, and the end of the last [pretokens + 1].
    """

    points: Points
    cuts: Int64s
    starts: Int64s

    def offsets(self) -> Int64s:
        """Return row offsets: text `i` has pre-tokens `offsets[i]:offsets[i + 1]` [rows + 1]."""
        return np.searchsorted(self.starts, self.cuts).astype(np.int64)

    def unique(self) -> tuple[list[str], npt.NDArray[np.int32]]:
        """Return the distinct pre-tokens by first appearance, and the index of each [pretokens]."""
        strings = strings_of(self.points, self.starts[:-1], self.starts[1:])
        encoded = strings.dictionary_encode()
        return encoded.dictionary.to_pylist(), np.asarray(encoded.indices, dtype=np.int32)

    def join_with_spaces(self, known: Bools) -> pl.Series:
        """Join the pre-tokens of each text by spaces; unknown characters become spaces too.

        Args:
            known: True for the characters to keep [0x110000].
        """
        kept = np.where(known[self.points], self.points, np.uint32(ord(" ")))
        inner = self.starts[1:-1]
        spaced = np.insert(kept, inner, np.uint32(ord(" ")))
        return from_utf32(spaced, self.cuts + np.searchsorted(inner, self.cuts))


def pretokenize(texts: pl.Series) -> Pretokens:
    """Split a column of NFC texts into pre-tokens. An empty text has none."""
    points, cuts = to_utf32(texts)
    points = swap_spaces(points)
    filled = np.diff(cuts) > 0
    points = np.insert(points, cuts[:-1][filled], np.uint32(ord(SPACE_SIGN)))
    cuts = cuts + bounds_of(filled)
    return Pretokens(points, cuts, _limit(np.flatnonzero(_begins(points)), len(points)))


# For single texts, classes are letters of a string. A pre-token is a run of one class with its
# marks, and the ▁ before it.
_letters = ClassLetters(_class_of, "LNPSB_#m")
_PRETOKEN = re.compile(r"(?:_m*)?(?:L[Lm]*|N[Nm]*|P[Pm]*|S[Sm]*|B[Bm]*|#m*)|_m*")
_SWAPPED = {ord(" "): SPACE_SIGN, ord(SPACE_SIGN): " "}


def pretokens_of(text: str) -> list[str]:
    """Split one NFC text into pre-tokens."""
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


def drop_last_pretoken(text: str) -> str:
    """Remove the last pre-token of an NFC text, the only one that more text could change."""
    return "".join(pretokens_of(text)[:-1])[1:].translate(_SWAPPED)


def swap_spaces(points: Points) -> Points:
    """Exchange space and ▁; doing it twice restores the text."""
    space, sign = np.uint32(ord(" ")), np.uint32(ord(SPACE_SIGN))
    return np.where(points == space, sign, np.where(points == sign, space, points))


def _begins(points: Points) -> Bools:
    """Return whether a pre-token begins at each character [characters]."""
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
    """Split pre-tokens that are longer than `LONGEST`, and append the end of the last."""
    lengths = np.diff(starts, append=end)
    parts = -(-lengths // LONGEST)
    within = np.arange(parts.sum()) - np.repeat(bounds_of(parts)[:-1], parts)
    return np.append(np.repeat(starts, parts) + LONGEST * within, end)
