"""Unicode normalization of texts, and the mapping of character offsets back to the original.

The same Hangul syllable can be written as one character or as two or three jamo; macOS file names
and some web forms have the latter. Tokenizers normalize first, so that both get the same ids, and
map character offsets back, so that they point into the text as given.

Normal forms: Unicode Standard Annex 15. Python's `unicodedata` is used everywhere, as it is for
lower case and categories: a single text and a column of texts use the same version of the Unicode
tables, and no thread pool is needed.
"""

import unicodedata
from functools import lru_cache
from typing import get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.errors import ConfigError
from munjang.forked import is_forked
from munjang.text.columns import Int64s, TokenColumn, token_column, values_and_offsets
from munjang.text.plain.inert import INERT_UNDER_NFC
from munjang.text.plain.nfc import Form, normalize_text
from munjang.text.segmentation.codepoints import CODE_POINTS, bounds_of
from munjang.text.segmentation.utf32 import points_of, require_texts, to_utf32

_MAY_CHANGE_UNDER_NFC = f"[^{INERT_UNDER_NFC}]"


def normalize(texts: pl.Series, form: Form = "NFC") -> pl.Series:
    """Bring every text of a column to one Unicode normal form.

    Args:
        texts: column of strings.
        form: NFC composes (one character per Hangul syllable), NFD decomposes (one character per
            jamo); NFKC and NFKD also replace compatibility characters (full-width letters).

    Raises:
        DataError: the column holds values that are not strings, or a null; the row is named.
        ConfigError: an unknown form.
    """
    texts = require_texts(texts)
    if form not in get_args(Form):
        raise ConfigError(f"normal form must be one of {', '.join(get_args(Form))}, not {form!r}")
    # in a forked process the pattern below would wait for threads that do not exist
    if form != "NFC" or is_forked():
        return _normalized(texts, form)
    # Nearly all texts are NFC already; finding the others is faster than normalizing all.
    suspects = texts.str.contains(_MAY_CHANGE_UNDER_NFC).arg_true()
    if suspects.is_empty():
        return texts
    return texts.clone().scatter(suspects, _normalized(texts.gather(suspects), "NFC"))


def _normalized(texts: pl.Series, form: Form) -> pl.Series:
    rows = [normalize_text(text, form) for text in texts.to_list()]
    return pl.Series(texts.name, rows, dtype=pl.String)


def original_offsets(
    original: pl.Series,
    normalized: pl.Series,
    starts: TokenColumn,
    ends: TokenColumn,
    *,
    form: Form = "NFC",
) -> tuple[TokenColumn, TokenColumn]:
    """Map character ranges in `normalized` to character ranges in `original`.

    A run of characters that compose or reorder together (a jamo sequence, a letter with its marks)
    maps as a whole: a range that touches one of them covers all. The order of starts is kept, and
    non-empty ranges stay non-empty.

    Args:
        original: the texts as given.
        normalized: `normalize(original, form)`.
        starts: column; index of each token's first character in the normalized text.
        ends: column of the same shape; one past its last character.
        form: the normal form.

    Returns:
        starts and ends as character indices into the original texts, in the same shape.
    """
    changed = (original != normalized).to_numpy()
    if not changed.any():
        return starts, ends
    first, cuts = values_and_offsets(starts)
    last, _ = values_and_offsets(ends)
    here = np.repeat(changed, np.diff(cuts))
    token_counts = np.diff(cuts)[changed]
    begins, stops = _segments(original.filter(changed), normalized.filter(changed), form)
    # `begins` and `stops` have one more entry per row than characters, for the end of the text.
    lengths = normalized.filter(changed).str.len_chars().to_numpy().astype(np.int64)
    bases = np.repeat(bounds_of(lengths + 1)[:-1], token_counts)
    low, high = bases + first[here], bases + last[here]
    mapped_first, mapped_last = first.copy(), last.copy()
    mapped_first[here] = begins[low]
    mapped_last[here] = np.where(high > low, stops[np.maximum(high - 1, 0)], begins[low])
    return token_column(mapped_first, cuts), token_column(mapped_last, cuts)


def _segments(original: pl.Series, normalized: pl.Series, form: Form) -> tuple[Int64s, Int64s]:
    """Return the original range of each normalized character and of the end of each text.

    A base is a character of the full decomposition that does not combine with one before it. Bases
    are never reordered, and composition never adds or removes one, so the n-th base of the
    normalized text stems from the same character as the n-th base of the original.
    """
    compatible = form in ("NFKC", "NFKD")
    before, before_cuts = to_utf32(original)
    after, after_cuts = to_utf32(normalized)
    # Original character of the n-th base, counted from 1; the first and last entry are the ends.
    homes = np.repeat(np.arange(len(before)), _base_counts(compatible)[before])
    homes = np.concatenate([[0], homes, [len(before)]])
    base = np.cumsum(_base_counts(False)[after], dtype=np.int64)
    begins, stops = homes[base], homes[base + 1]

    lengths_after = np.diff(after_cuts)
    low = np.repeat(before_cuts[:-1], lengths_after)
    high = np.repeat(before_cuts[1:], lengths_after)
    # Marks at the start of a text have no base: they belong to the start of their text.
    begins = np.clip(begins, low, high - 1)
    stops = np.clip(np.maximum(stops, begins + 1), low, high)

    text_ends = np.diff(before_cuts)
    return (
        np.insert(begins - low, after_cuts[1:], text_ends),
        np.insert(stops - low, after_cuts[1:], text_ends),
    )


def joins_before(points: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Return whether each character may combine with the one before it [characters].

    Such are marks, and the vowels and final consonants of decomposed Hangul.
    """
    joins: npt.NDArray[np.bool_] = _base_counts(False)[points] == 0
    return joins


@lru_cache(maxsize=2)
def _base_counts(compatible: bool) -> npt.NDArray[np.int8]:
    """Count the bases in the full decomposition of each code point: mostly 1, 0 for marks."""
    points = np.concatenate([np.arange(0xD800), np.arange(0xE000, 0x30000)])
    characters = [chr(point) for point in points.tolist()]
    decomposed = [unicodedata.normalize("NFD", character) for character in characters]
    takes_part = np.zeros(CODE_POINTS, dtype=bool)
    tails = set("".join(parts[1:] for parts in decomposed))
    takes_part[[ord(character) for character in tails]] = True
    # A mark with a combining class is reordered with a mark of a higher or a lower class.
    for highest, lowest in (("a\u0345", ""), ("a", "\u0334")):
        probes = [highest + parts[0] + lowest for parts in decomposed]
        swapped = [unicodedata.normalize("NFD", probe) != probe for probe in probes]
        takes_part[points[swapped]] = True
    counts = np.ones(CODE_POINTS, dtype=np.int8)
    full = decomposed
    if compatible:
        full = [unicodedata.normalize("NFKD", character) for character in characters]
    flat = points_of("".join(full))
    cuts = bounds_of(np.fromiter(map(len, full), np.int64, len(full)))
    counts[points] = np.add.reduceat(~takes_part[flat], cuts[:-1], dtype=np.int8)
    return counts
