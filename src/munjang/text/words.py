"""Words as tokens: one id per word.

    "재미있다!! don't"  ->  재미있다  !  !  don  '  t        split="unicode"
                           재미있다  don't                  split="keras"

Use when: English and other languages that separate short words by spaces, or when tokens should be
words that a reader knows. Korean words include their endings, so nearly half of the distinct ones
occur only once, and many in a new text are unknown: there `bpe`, `jamo` or `characters` are better.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import polars as pl

from munjang.errors import ConfigError
from munjang.text.capitals import Kinds, Signs, capitals_of, restore_capitals
from munjang.text.columns import Int32s, Int64s, TokenColumn, Tokens, token_column
from munjang.text.detokenize import join_pieces, real_tokens
from munjang.text.normalize import normalize, original_offsets
from munjang.text.plain.capitals import SIGNS
from munjang.text.plain.ids import UNKNOWN
from munjang.text.plain.nfc import normalize_text
from munjang.text.plain.words import KERAS_FILTERS, keras_words, unicode_words
from munjang.text.segmentation.codepoints import bounds_of, is_irregular, lowered_origins
from munjang.text.segmentation.counting import count_types, merge_counts
from munjang.text.segmentation.segment import Segmenter, Segments, map_segments, segment_batches
from munjang.text.segmentation.segmenters import keras_segmenter, unicode_segmenter
from munjang.text.segmentation.utf32 import require_texts
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import OOV, Vocabulary

# No word continues over the start of a match, and what follows does not change how the text before
# it is lower-cased: a capital sigma depends on the next letter, across marks, quotes, full stops
# and colons.
_BEFORE_WORD = {
    "unicode": re.compile(r"(?<!\u200d)[ \t\n,;!?()\"/*+@#$%&\[\]{}|\\~_。、！？，-]"),
    "keras": re.compile(r"[ \t\n,;!?()\"/]"),
}

Split = Literal["unicode", "keras"]


class WordTokenizer:
    """One id per word of the NFC text.

    Args:
        split: "unicode": runs of letters, numbers and marks, and each other symbol alone; "keras":
            Keras' rule, which drops most punctuation and splits at spaces.
        lower: lower-case words.
        nfc: normalize texts to NFC first, so that Hangul written in jamo and in syllables is the
            same.
        capitals: put a marker before lower-cased words that had capitals, see
            `munjang.text.capitals`.

    Raises:
        ConfigError: an unknown `split`, or `capitals` without `lower` or with Keras' rule.
    """

    name: ClassVar[str] = "words"

    def __init__(
        self,
        *,
        split: Split = "unicode",
        lower: bool = True,
        nfc: bool = True,
        capitals: bool = False,
    ) -> None:
        if split not in get_args(Split):
            raise ConfigError(f"split must be one of {', '.join(get_args(Split))}, not {split!r}")
        if capitals and not (lower and split == "unicode"):
            raise ConfigError("capitals goes with lower=true and split=unicode only")
        self.split = split
        self.lower = lower
        self.nfc = nfc
        self.capitals = capitals
        self._vocabulary: Vocabulary | None = None

    @property
    def split_points(self) -> re.Pattern[str] | None:
        """A pattern of split points; see `munjang.text.tokenizer.Tokenizer`."""
        return _BEFORE_WORD[self.split]

    @property
    def vocabulary(self) -> Vocabulary:
        """The words learned by `fit`; `NotFittedError` before."""
        return require_fitted(self._vocabulary, self.name)

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Learn the words of a column of texts. `max_size` counts the reserved ids.

        Raises:
            DataError: the column holds a null, or values that are not strings.
        """
        rows = self._normalize(texts).to_list()
        counts, kinds = [], np.zeros(3, dtype=np.int64)
        for part in self._segment(rows):
            counts.append(count_types(part))
            if self.capitals:
                kinds += np.bincount(_kinds(part), minlength=3)
        counted = merge_counts(counts)
        types, seen = counted.types, counted.counts
        for sign, often in zip(SIGNS, kinds[1:], strict=True):
            if often:
                types, seen = pl.concat([types, pl.Series([sign])]), np.append(seen, often)
        self._vocabulary = Vocabulary.from_counts(
            types, seen, min_frequency=min_frequency, max_size=max_size
        )
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column with one id per word."""
        return self._encode(texts, lambda part, ids: [])[0]

    def encode_with_oov_words(self, texts: pl.Series) -> tuple[TokenColumn, list[str]]:
        """Encode a column; also return the word of each OOV, in order."""
        return self._encode(
            texts, lambda part, ids: part.strings(np.flatnonzero(ids == OOV)).to_pylist()
        )

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        return self.encode_text_with_oov_words(text)[0]

    def encode_text_with_oov_words(self, text: str) -> tuple[Int32s, list[str]]:
        """Encode one text; also return the word of each OOV, in order."""
        vocabulary = self.vocabulary
        text = normalize_text(text) if self.nfc else text
        if self.split == "keras":
            words = keras_words(text, lower=self.lower)
            kinds = None
        else:
            cut = unicode_words(text, lower=self.lower)
            words = cut.strings()
            kinds = cut.capitals() if self.capitals else None
        ids = vocabulary.ids_of_few(words)
        named = [words[place] for place in np.flatnonzero(ids == OOV).tolist()]
        if kinds is not None and any(kinds):
            signs = Signs.before(np.array(kinds, dtype=np.int8), vocabulary)
            ids = np.insert(ids, signs.places, signs.ids)
        return ids, named

    def _encode(
        self, texts: pl.Series, name: Callable[[Segments, Int32s], list[str]]
    ) -> tuple[TokenColumn, list[str]]:
        """Return a token column, and the words that `name` returns for each part and its ids."""
        vocabulary = self.vocabulary

        def encode(part: Segments) -> tuple[Int32s, Int64s, list[str]]:
            ids, offsets = vocabulary.ids_of(part), part.offsets
            named = name(part, ids)
            if self.capitals:
                ids, offsets = Signs.before(_kinds(part), vocabulary).insert(ids, offsets)
            return ids, np.diff(offsets), named

        parts = map_segments(self._normalize(texts).to_list(), self._segmenter(), encode)
        ids, lengths, words = zip(*parts, strict=True)
        column = token_column(np.concatenate(ids), bounds_of(np.concatenate(lengths)))
        return column, list(chain.from_iterable(words))

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the character range of each word in the text as given."""
        normal = self._normalize(texts)
        rows = normal.to_list()
        parts = list(self._segment(rows))
        ids = np.concatenate([self.vocabulary.ids_of(part) for part in parts])
        offsets = bounds_of(np.concatenate([np.diff(part.offsets) for part in parts]))
        starts, ends = (
            np.concatenate(side) for side in zip(*(p.ranges() for p in parts), strict=True)
        )
        if self.lower:
            starts, ends = _before_lowering(rows, offsets, starts, ends)
        if self.capitals:
            kinds = np.concatenate([_kinds(part) for part in parts])
            signs = Signs.before(kinds, self.vocabulary)
            ids, offsets = signs.insert(ids, offsets)
            starts, ends = signs.insert_ranges(starts, ends)
        first, last = original_offsets(
            texts, normal, token_column(starts, offsets), token_column(ends, offsets)
        )
        return Tokens(token_column(ids, offsets), first, last)

    def decode(self, column: TokenColumn) -> pl.Series:
        """Join words by spaces. PAD, GO and EOS are dropped; OOV reads as U+FFFD.

        With `capitals`, words after a marker are written with capitals.
        """
        ids, offsets = real_tokens(column, self.vocabulary.size)
        words = list(self.vocabulary.tokens)
        words[OOV] = UNKNOWN
        if self.capitals:
            return join_pieces(*restore_capitals(words, ids, offsets), " ")
        return join_pieces(pl.Series(words, dtype=pl.String)[ids], offsets, " ")

    def to_json(self) -> dict[str, Any]:
        """Return the name and the settings."""
        return {
            "name": self.name,
            "split": self.split,
            "lower": self.lower,
            "nfc": self.nfc,
            "capitals": self.capitals,
        }

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described."""
        kinds = {"split": str, "lower": bool, "nfc": bool, "capitals": bool}
        tokenizer = cls(**read_settings(state, kinds))
        tokenizer._vocabulary = vocabulary
        return tokenizer

    def _normalize(self, texts: pl.Series) -> pl.Series:
        return normalize(texts) if self.nfc else require_texts(texts)

    def _segment(self, rows: Sequence[str]) -> Iterator[Segments]:
        return segment_batches(rows, self._segmenter())

    def _segmenter(self) -> Segmenter:
        if self.split == "keras":
            return keras_segmenter(KERAS_FILTERS, self.lower, " ")
        return unicode_segmenter(self.lower)


def _kinds(segments: Segments) -> Kinds:
    """Return the kinds of tokens of some segments, see `capitals_of`."""
    return np.concatenate([capitals_of(part) for part in segments.parts])


def _before_lowering(
    rows: Sequence[str], offsets: Int64s, starts: Int64s, ends: Int64s
) -> tuple[Int64s, Int64s]:
    """Map ranges in lower-cased rows to ranges in `rows`, in place.

    Args:
        rows: texts before lower-casing [rows].
        offsets: row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1].
        starts: first character of each token [tokens].
        ends: one past its last [tokens].
    """
    for row, text in enumerate(rows):
        if is_irregular(text):
            tokens = slice(offsets[row], offsets[row + 1])
            origins = lowered_origins(text)
            starts[tokens] = origins[starts[tokens]]
            ends[tokens] = origins[ends[tokens] - 1] + 1
    return starts, ends
