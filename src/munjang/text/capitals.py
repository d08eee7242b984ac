"""Capitals as tokens of their own: lower-cased words share their rows, and a name is still a name.

    "What did NASA name after Hubble ?"  ->  what  did  <⇪>  nasa  name  after  <⇧>  hubble  ?

The first word of a text says nothing by its first capital and gets no sign for it. A sign that the
training texts did not have is not set: to a model of lower-case texts capitals are nothing. The
same idea, with other signs, as the `xxmaj` and `xxup` of fastai, the library of "Universal language
model fine-tuning for text classification" (Howard and Ruder 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.text.columns import Int32s, Int64s, flat_ranges
from munjang.text.cutting.codepoints import Bools, ClassTable, bounds_of, category_of
from munjang.text.cutting.cutters import begin_words
from munjang.text.cutting.segment import Part
from munjang.text.cutting.units import Codes
from munjang.text.detokenise import rows_of_kept
from munjang.text.vocabulary import OOV, PAD, Vocabulary

Kinds = npt.NDArray[np.int8]

CAPITAL = "<\N{UPWARDS WHITE ARROW}>"
"""Stands before a word that begins with a capital: the sign on the shift key.

No token of a text is the same, since signs are tokens by themselves there.
"""
CAPITALS = "<\N{UPWARDS WHITE ARROW FROM BAR}>"
"""Stands before a word of capitals alone, two or more: the sign on the caps-lock key."""

_PLAIN, _CAPITAL, _CAPITALS = range(3)
# filled only for the characters of words with two capitals or more
_is_small = ClassTable(lambda character: int(category_of(character) == "Ll"))
SIGNS = (CAPITAL, CAPITALS)
"""Of the kinds 1 and 2, see `capitals_of`."""


def sign_ids(vocabulary: Vocabulary) -> tuple[int, ...]:
    """The ids of the signs that the vocabulary has."""
    return tuple(vocabulary.id_of(sign) for sign in SIGNS if vocabulary.id_of(sign) != OOV)


def capitals_of(part: Part) -> Kinds:
    """Of each token: 0, or 1 where it begins with a capital, or 2 where all of it is in capitals.

    A capital is what lower-casing changes. A token of the second kind has two capitals or more, and
    no small letter; letters of scripts without case may stand among them.
    """
    line = part.line
    codes = line.codes[: len(line.units)]
    changed = line.units != codes
    # of a character in two halves, either may have changed; it counts once
    changed[line.pairs] |= changed[line.pairs + 1]
    changed[line.pairs + 1] = False
    words = begin_words(line, part.starts)
    begins = words & changed.take(part.starts)
    kinds: Kinds = begins.astype(np.int8)
    kinds[_firsts(words, part.offsets)] = _PLAIN
    several = np.flatnonzero(begins & (_counts(changed, part) > 1))
    kinds[several[~_have_small(several, codes, changed, part)]] = _CAPITALS
    return kinds


def _have_small(tokens: Int64s, codes: Codes, changed: Bools, part: Part) -> Bools:
    """Return whether each of some tokens holds a small letter that was given as such.

    Args:
        tokens: their places among the tokens of `part`; none of them is empty.
        codes: codes of the units of the line [units].
        changed: whether lower-casing changed each unit [units].
        part: some rows and their tokens.
    """
    starts = part.starts.take(tokens)
    lengths = part.ends.take(tokens) - starts
    units = flat_ranges(starts, lengths)
    small = (_is_small[codes.take(units).astype(np.uint32)] == 1) & ~changed.take(units)
    return np.add.reduceat(small, bounds_of(lengths)[:-1], dtype=np.int64) > 0


def _counts(flags: Bools, part: Part) -> Int64s:
    """How many of the units of each token have the flag [tokens]."""
    before = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=before[1:])
    counts: Int64s = before.take(part.ends) - before.take(part.starts)
    return counts


def _firsts(words: Bools, offsets: Int64s) -> Int64s:
    """The first word of each row that has one, by its place among the tokens."""
    places = np.flatnonzero(words)
    first = np.searchsorted(places, offsets)
    return places[first[:-1][first[:-1] < first[1:]]]


@dataclass(frozen=True)
class Signs:
    """The signs before some tokens.

    Attributes:
        places: of the tokens that have one, ascending [signs].
        ids: of the signs [signs].
    """

    places: Int64s
    ids: Int32s

    @classmethod
    def before(cls, kinds: Kinds, vocabulary: Vocabulary) -> Self:
        """The signs of tokens of those kinds (see `capitals_of`), where the vocabulary has them."""
        known = [vocabulary.id_of(sign) for sign in SIGNS]
        of_kind = np.array([PAD, *(PAD if number == OOV else number for number in known)], np.int32)
        ids = of_kind.take(kinds)
        places = np.flatnonzero(ids)
        return cls(places, ids[places])

    def insert(self, ids: Int32s, offsets: Int64s) -> tuple[Int32s, Int64s]:
        """Ids of words [tokens] with those of signs between, and the new offsets.

        Args:
            ids: of the words.
            offsets: row `i` holds `ids[offsets[i]:offsets[i + 1]]` [rows + 1].
        """
        moved = offsets + np.searchsorted(self.places, offsets)
        return np.insert(ids, self.places, self.ids), moved

    def insert_ranges(self, starts: Int32s, ends: Int32s) -> tuple[Int32s, Int32s]:
        """Character ranges [tokens] with those of the signs: empty, where the word begins."""
        first = starts[self.places]
        return np.insert(starts, self.places, first), np.insert(ends, self.places, first)


def capitalised(words: Sequence[str], ids: Int32s, offsets: Int64s) -> tuple[pl.Series, Int64s]:
    """Pieces of text of some ids, with capitals in place of signs.

    Args:
        words: the name of every id [vocabulary size].
        ids: words and signs [tokens].
        offsets: row `i` holds `ids[offsets[i]:offsets[i + 1]]` [rows + 1].

    Returns:
        Words alone, and their offsets. A sign before no word of its row is dropped.
    """
    kind_of = np.zeros(len(words), dtype=np.int64)
    for kind, sign in enumerate(SIGNS, start=_CAPITAL):
        if sign in words:
            kind_of[words.index(sign)] = kind
    kinds = kind_of.take(ids)
    before = np.zeros(len(ids), dtype=np.int64)
    before[1:] = kinds[:-1]
    before[offsets[:-1][offsets[:-1] < len(ids)]] = _PLAIN
    written = [*words, *(word[:1].title() + word[1:] for word in words), *map(str.upper, words)]
    pieces = pl.Series(written, dtype=pl.String)[ids + len(words) * before]
    real = kinds == _PLAIN
    return pieces.filter(pl.Series(real)), rows_of_kept(real, offsets)
