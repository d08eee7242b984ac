"""Words as BERT's pre-tokenizer makes them, for the training of WordPiece.

Encoding is left to the library. Here its own normalizer and pre-tokenizer are asked once per
distinct character, so that both agree.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from tokenizers import normalizers, pre_tokenizers

from munjang.text.normalize import normalize
from munjang.text.segmentation.codepoints import ClassTable, bounds_of, lower_table
from munjang.text.segmentation.utf32 import to_utf32
from munjang.text.subwords.pretokens import Pretokens

WORD, ALONE, BLANK, REMOVED = range(4)
_normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=False)
# no StripAccents, which knows more marks
_stripper = normalizers.BertNormalizer(
    clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False
)
_splitter = pre_tokenizers.BertPreTokenizer()


def _class_of(character: str) -> int:
    """Return how a character parts words: asked of the library between two letters."""
    parts = [
        part for part, _ in _splitter.pre_tokenize_str(_normalizer.normalize_str(f"a{character}a"))
    ]
    if parts == ["aa"]:
        return REMOVED
    if len(parts) == 1:
        return WORD
    return ALONE if len(parts) == 3 else BLANK


_classes = ClassTable(_class_of)


def word_classes(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return how characters part words: WORD, ALONE, BLANK or REMOVED.

    Args:
        points: code points [characters].
    """
    return _classes[points]


def is_removed_accent(character: str) -> bool:
    """Return whether BERT's normalizer removes a mark where it strips accents."""
    return not _stripper.normalize_str(character)


@dataclass(frozen=True)
class Words(Pretokens):
    """The words of a column of texts."""

    def without_longer(self, longest: int) -> "Words":
        """Return the words of at most some characters."""
        lengths = np.diff(self.starts)
        kept = lengths <= longest
        characters = np.repeat(kept, lengths)
        return Words(
            self.points[characters], bounds_of(characters)[self.cuts], bounds_of(lengths[kept])
        )


def split_words(texts: pl.Series, *, lowercase: bool) -> Words:
    """Split a column of texts into words and single punctuation marks."""
    points, cuts = to_utf32(normalize(texts))
    classes = word_classes(points)
    blank, alone = classes == BLANK, classes == ALONE
    kept = (classes != REMOVED) & ~blank
    # a word begins after a blank, at and after a character that stands alone, and with a text
    begins = alone.copy()
    begins[1:] |= blank[:-1] | alone[:-1]
    begins[cuts[:-1][np.diff(cuts) > 0]] = True
    # a boundary on a character that is removed counts for the next one that is kept
    group = begins.cumsum()[kept]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    cuts = bounds_of(kept)[cuts]
    points = points[kept]
    if lowercase:
        points = lower_table().take(points)
    return Words(points, cuts, np.append(starts, len(points)))
