"""Capital markers: words are lower-cased, and a token before a word says that it had capitals.

    "What did NASA name after Hubble ?"  ->  what  did  <⇪>  nasa  name  after  <⇧>  hubble  ?

Lower-case and capitalized forms share one embedding row, and names can still be told apart. The
first word of a text gets no marker for its first capital. A marker that the training texts did not
have is not set, so a model of lower-case texts ignores capitals. The idea is that of `xxmaj` and
`xxup` in fastai, the library of "Universal language
model fine-tuning for text classification" (Howard and Ruder 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.text.columns import Int32s, Int64s, flat_ranges
from munjang.text.detokenize import rows_of_kept
from munjang.text.plain.capitals import SIGNS
from munjang.text.segmentation.codepoints import Bools, ClassTable, bounds_of, category_of
from munjang.text.segmentation.segment import Part
from munjang.text.segmentation.segmenters import are_words
from munjang.text.segmentation.units import Codes
from munjang.text.vocabulary import OOV, PAD, Vocabulary

Kinds = npt.NDArray[np.int8]

_PLAIN, _CAPITAL, _CAPITALS = range(3)
# filled only for the characters of words with two capitals or more
_is_small = ClassTable(lambda character: int(category_of(character) == "Ll"))


def sign_ids(vocabulary: Vocabulary) -> tuple[int, ...]:
    """Return the ids of the capital markers that the vocabulary has."""
    return tuple(vocabulary.id_of(sign) for sign in SIGNS if vocabulary.id_of(sign) != OOV)


def capitals_of(part: Part) -> Kinds:
    """Return the kind of each token: 1 if it begins with a capital, 2 if all capitals, else 0.

    A capital is a character that lower-casing changes. A token of kind 2 has two or more of them
    and no lower-case letter; it may hold letters of scripts without case.
    """
    line = part.line
    codes = line.codes[: len(line.units)]
    changed = line.units != codes
    # of a character in two halves, either may have changed; it counts once
    changed[line.pairs] |= changed[line.pairs + 1]
    changed[line.pairs + 1] = False
    words = are_words(line, part.starts)
    begins = words & changed.take(part.starts)
    kinds: Kinds = begins.astype(np.int8)
    kinds[_firsts(words, part.offsets)] = _PLAIN
    several = np.flatnonzero(begins & (_counts(changed, part) > 1))
    kinds[several[~_have_small(several, codes, changed, part)]] = _CAPITALS
    return kinds


def _have_small(tokens: Int64s, codes: Codes, changed: Bools, part: Part) -> Bools:
    """Return whether each of some tokens has a lower-case letter in the text as given.

    Args:
        tokens: their indices among the tokens of `part`; none is empty.
        codes: codes of the units of the line [units].
        changed: whether lower-casing changed each unit [units].
        part: the rows and their tokens.
    """
    starts = part.starts.take(tokens)
    lengths = part.ends.take(tokens) - starts
    units = flat_ranges(starts, lengths)
    small = (_is_small[codes.take(units).astype(np.uint32)] == 1) & ~changed.take(units)
    return np.add.reduceat(small, bounds_of(lengths)[:-1], dtype=np.int64) > 0


def _counts(flags: Bools, part: Part) -> Int64s:
    """Count the flagged units of each token [tokens]."""
    before = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=before[1:])
    counts: Int64s = before.take(part.ends) - before.take(part.starts)
    return counts


def _firsts(words: Bools, offsets: Int64s) -> Int64s:
    """Return the index of the first word of each row that has a word."""
    places = np.flatnonzero(words)
    first = np.searchsorted(places, offsets)
    return places[first[:-1][first[:-1] < first[1:]]]


@dataclass(frozen=True)
class Signs:
    """The markers before some tokens.

    Attributes:
        places: indices of the tokens that have a marker, ascending [markers].
        ids: ids of the markers [markers].
    """

    places: Int64s
    ids: Int32s

    @classmethod
    def before(cls, kinds: Kinds, vocabulary: Vocabulary) -> Self:
        """Build the markers of tokens of some kinds (see `capitals_of`) that the vocabulary has."""
        known = [vocabulary.id_of(sign) for sign in SIGNS]
        of_kind = np.array([PAD, *(PAD if number == OOV else number for number in known)], np.int32)
        ids = of_kind.take(kinds)
        places = np.flatnonzero(ids)
        return cls(places, ids[places])

    def insert(self, ids: Int32s, offsets: Int64s) -> tuple[Int32s, Int64s]:
        """Return ids with the markers inserted before their words, and the new offsets.

        Args:
            ids: ids of the words [tokens].
            offsets: row `i` holds `ids[offsets[i]:offsets[i + 1]]` [rows + 1].
        """
        moved = offsets + np.searchsorted(self.places, offsets)
        return np.insert(ids, self.places, self.ids), moved

    def insert_ranges(self, starts: Int32s, ends: Int32s) -> tuple[Int32s, Int32s]:
        """Return character ranges with those of the markers, empty, at the start of the word."""
        first = starts[self.places]
        return np.insert(starts, self.places, first), np.insert(ends, self.places, first)


def restore_capitals(
    words: Sequence[str], ids: Int32s, offsets: Int64s
) -> tuple[pl.Series, Int64s]:
    """Replace markers by capitals in the words that follow them.

    Args:
        words: the name of every id [vocabulary size].
        ids: words and markers [tokens].
        offsets: row `i` holds `ids[offsets[i]:offsets[i + 1]]` [rows + 1].

    Returns:
        The words without markers, and their offsets. A marker with no word after it is dropped.
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
