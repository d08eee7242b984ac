"""Segmenters: words by Keras' rule, words by Unicode's classes, single characters."""

from functools import lru_cache

import numpy as np

from munjang.text.columns import Int64s
from munjang.text.plain.words import WORD_CLASSES, find_word_class
from munjang.text.segmentation.codepoints import Bools, Bytes, ClassTable
from munjang.text.segmentation.segment import Segmenter
from munjang.text.segmentation.units import SEPARATOR, Alphabet, Line, unit_codes


@lru_cache(maxsize=8)
def keras_segmenter(filters: str, lower: bool, split: str) -> Segmenter:
    """Return a segmenter with Keras' rule: lower-case, replace filters by `split`, split there.

    Args:
        filters: characters that are replaced by `split`, in lower case if `lower`.
        lower: whether to lower-case first.
        split: one character of 16 bits, in lower case if `lower`.
    """
    codes = unit_codes(lower)
    plain = [*(c for c in filters if not lower or c == c.lower()), split]
    separates = np.zeros(len(codes), dtype=np.bool_)
    separates[[ord(c) for c in plain if c <= "\uffff" and not "\ud800" <= c <= "\udfff"]] = True
    codes = np.where(separates.take(codes), np.uint16(SEPARATOR), codes)
    if separates[0]:
        codes[0] = SEPARATOR
    wide = "".join(c for c in plain if c > "\uffff")
    return Segmenter(_between_separators, Alphabet(codes, lower, joiner=split, wide=wide))


def _between_separators(line: Line) -> tuple[Int64s, Int64s]:
    inside = line.codes[: len(line.units) + 1] != SEPARATOR  # the padding ends the last token
    edges = inside.copy()
    np.not_equal(inside[1:], inside[:-1], out=edges[1:])
    places = np.flatnonzero(edges)
    return np.ascontiguousarray(places[::2]), np.ascontiguousarray(places[1::2])


@lru_cache(maxsize=2)
def character_segmenter(lower: bool) -> Segmenter:
    """Return a segmenter that makes each character a token."""
    return Segmenter(_every_character, Alphabet(unit_codes(lower), lower))


def _every_character(line: Line) -> tuple[Int64s, Int64s]:
    cuts = np.delete(np.arange(len(line.units) + 1, dtype=np.int64), line.pairs + 1)
    return cuts[:-1], cuts[1:]


@lru_cache(maxsize=2)
def unicode_segmenter(lower: bool) -> Segmenter:
    """Return a segmenter of runs of letters, numbers and marks; other symbols stand alone.

    White space and control characters separate. A mark (an accent, a variation selector, a skin
    tone) or a format character (a joiner, a soft hyphen) belongs to the token before it, and a
    zero-width joiner joins two symbols into one, as in Unicode's annex 29. A mark with nothing
    before it begins a word; a format character with nothing before it separates.
    """
    return Segmenter(_unicode_words, Alphabet(unit_codes(lower), lower, joiner="\n"))


_SPACE, _WORD, _SYMBOL, _MARK, _FORMAT, _JOINER = range(len(WORD_CLASSES))
_classes = ClassTable(lambda character: WORD_CLASSES.index(find_word_class(character)))


def _unicode_words(line: Line) -> tuple[Int64s, Int64s]:
    classes = _classes[line.points()]
    bases = _bases(classes)
    inside = bases != _SPACE
    after_word = _shifted(bases == _WORD)
    tied = _shifted((classes == _JOINER) & (bases == _SYMBOL))
    begins = ((classes == _SYMBOL) & ~tied) | ((bases == _WORD) & ~after_word)
    ends = inside & ~np.append((inside & ~begins)[1:], False)
    return line.to_units(np.flatnonzero(begins)), line.to_units(np.flatnonzero(ends) + 1)


def are_words(line: Line, starts: Int64s) -> Bools:
    """Return whether each token of `unicode_segmenter` is a word rather than a symbol [tokens]."""
    words: Bools = _classes[line.units.take(starts).astype(np.uint32)] == _WORD
    return words


def _shifted(flags: Bools) -> Bools:
    """Return the flag of the character before each character."""
    return np.concatenate([np.zeros(1, dtype=np.bool_), flags])[: len(flags)]


def _bases(classes: Bytes) -> Bytes:
    """Return each character's class; for marks and format characters that of their base."""
    leans = classes >= _MARK
    if not leans.any():
        return classes
    places = np.where(leans, 0, np.arange(len(classes)))
    bases = classes.take(np.maximum.accumulate(places))
    bases[bases >= _MARK] = _SPACE  # at the start of the text they have no base
    bases[(classes == _MARK) & (bases == _SPACE)] = _WORD
    return bases
