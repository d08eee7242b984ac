"""Subwords as tokens: BPE, unigram and WordPiece, trained by Hugging Face tokenizers.

Use when: rows should be short and the vocabulary bounded; for translation and language models.
`bpe` trains in seconds and is the one to start with. `unigram` often splits Korean endings more
cleanly but trains many times longer. `wordpiece` is BERT's; an unknown character makes its whole
pre-token OOV.

Why not bytes: a Hangul syllable is three bytes, so a byte-level vocabulary of about 16,000 pieces
spends thousands of merges on syllables. Here the alphabet is the characters of the fitted texts
(see `pretokens` for white space), and characters that they do not have are OOV.
"""

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from tokenizers import Encoding, Tokenizer

from munjang.errors import ConfigError
from munjang.text.columns import Int32s, Int64s, TokenColumn, Tokens, flat_ranges, token_column
from munjang.text.detokenize import join_pieces, real_tokens
from munjang.text.normalize import normalize, original_offsets
from munjang.text.plain.ids import UNKNOWN
from munjang.text.plain.inert import BEFORE_INERT
from munjang.text.plain.nfc import normalize_text
from munjang.text.plain.pretokens import SPACE_SIGN, pretokens_of
from munjang.text.segmentation.codepoints import bounds_of
from munjang.text.subwords.pretokens import Pretokens, pretokenize
from munjang.text.subwords.restore import restore_model
from munjang.text.subwords.training import (
    CONTINUATION,
    train_bpe,
    train_unigram,
    train_wordpiece,
)
from munjang.text.subwords.training_pretokens import limit_long_runs
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary

DEFAULT_SIZE = 16_000
_GROUP = 500


@dataclass(frozen=True)
class _Learned:
    """A trained model and the vocabulary with the same ids."""

    model: Tokenizer
    vocabulary: Vocabulary


class SubwordTokenizer(ABC):
    """The base class of the three subword tokenizers.

    `decode(encode(x))` is `NFC(x)`, white space included, if nothing in `x` is unknown. Ids follow
    the order of training, not falling frequency as in other tokenizers.

    Attributes:
        name: the name in the registry.
        continuation: prefix of a piece that continues a pre-token.
    """

    name: ClassVar[str]
    split_points: ClassVar[re.Pattern[str] | None] = BEFORE_INERT
    continuation: ClassVar[str] = ""

    def __init__(self) -> None:
        self._learned: _Learned | None = None

    @abstractmethod
    def _train(self, pretokens: Pretokens, *, min_frequency: int, max_size: int) -> Tokenizer: ...

    @property
    def vocabulary(self) -> Vocabulary:
        """The pieces learned by `fit`, with their counts in the fitted text."""
        return require_fitted(self._learned, self.name).vocabulary

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Train on a column of texts; the same texts give the same ids.

        Only the first 65,536 characters of a run without a space are learned from.

        Args:
            texts: column of strings.
            min_frequency: characters (and for BPE and WordPiece, merges) seen less often get no
                id of their own.
            max_size: upper bound of the vocabulary, reserved ids included; 16,000 if None. At
                most half of it are single characters, the most frequent ones.

        Raises:
            DataError: the column holds a null, or values that are not strings.
            ConfigError: `max_size` is not larger than the number of reserved ids.
        """
        size = DEFAULT_SIZE if max_size is None else max_size
        if size <= len(RESERVED):
            raise ConfigError(
                f"max_size counts the {len(RESERVED)} reserved tokens, so it must be larger "
                f"than {len(RESERVED)}; it is {size}"
            )
        pretokens = pretokenize(normalize(texts))
        model = self._train(limit_long_runs(pretokens), min_frequency=min_frequency, max_size=size)
        counts = np.bincount(
            ids_of_pretokens(model, pretokens)[0], minlength=model.get_vocab_size()
        )
        dropped = int(counts[OOV])
        counts[: len(RESERVED)] = 0
        self._learned = _Learned(model, Vocabulary(_tokens(model), counts, dropped))
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column."""
        model = require_fitted(self._learned, self.name).model
        return token_column(*ids_of_pretokens(model, pretokenize(normalize(texts))))

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        model = require_fitted(self._learned, self.name).model
        pretokens = pretokens_of(normalize_text(text))
        # each word of a list is looked up separately, as the distinct ones of a column are
        encoding = model.encode(pretokens, is_pretokenized=True, add_special_tokens=False)
        return np.array(encoding.ids, dtype=np.int32)

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the character range of each token in the text as given.

        The space before a word belongs to no range, except if a token is only that space. A ▁ that
        stands for the start of the text has an empty range.
        """
        model = require_fitted(self._learned, self.name).model
        composed = normalize(texts)
        pretokens = pretokenize(composed)
        ids, offsets, begins, ends = _ids_and_places(model, pretokens)
        spaced = pretokens.points[begins] == ord(SPACE_SIGN)
        begins += spaced & (ends - begins > 1)
        # The original texts do not have the ▁ at their start.
        origin = np.repeat(pretokens.cuts[:-1] + 1, np.diff(offsets))
        starts, stops = original_offsets(
            texts,
            composed,
            token_column(np.maximum(begins - origin, 0), offsets),
            token_column(np.maximum(ends - origin, 0), offsets),
        )
        return Tokens(token_column(ids, offsets), starts, stops)

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn ids back to texts. PAD, GO and EOS are dropped; OOV reads as U+FFFD."""
        vocabulary = self.vocabulary
        ids, offsets = real_tokens(column, vocabulary.size)
        written = [UNKNOWN] * len(RESERVED)
        written += [
            piece.removeprefix(self.continuation).replace(SPACE_SIGN, " ")
            for piece in vocabulary.tokens[len(RESERVED) :]
        ]
        pieces = pl.Series(written, dtype=pl.String).gather(ids)
        rows = [text.removeprefix(" ") for text in join_pieces(pieces, offsets).to_list()]
        return pl.Series(rows, dtype=pl.String)

    def to_json(self) -> dict[str, Any]:
        """Return the name, and the trained model in the JSON of Hugging Face tokenizers."""
        model = require_fitted(self._learned, self.name).model
        return {"name": self.name, "model": json.loads(model.to_str())}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described.

        Raises:
            FolderError: the model cannot be read, or its pieces are not those of `vocabulary`.
        """
        model = restore_model(
            cls.name, read_settings(state, {"model": dict})["model"], vocabulary.tokens
        )
        tokenizer = cls()
        tokenizer._learned = _Learned(model, vocabulary)
        return tokenizer


class BpeTokenizer(SubwordTokenizer):
    """Byte-pair encoding on characters (Sennrich et al. 2016, arXiv:1508.07909)."""

    name = "bpe"

    def _train(self, pretokens: Pretokens, *, min_frequency: int, max_size: int) -> Tokenizer:
        return train_bpe(pretokens, min_frequency=min_frequency, max_size=max_size)


class UnigramTokenizer(SubwordTokenizer):
    """The unigram language model (Kudo 2018, arXiv:1804.10959). Training takes minutes."""

    name = "unigram"

    def _train(self, pretokens: Pretokens, *, min_frequency: int, max_size: int) -> Tokenizer:
        return train_unigram(pretokens, min_frequency=min_frequency, max_size=max_size)


class WordPieceTokenizer(SubwordTokenizer):
    """WordPiece as BERT uses it (Devlin et al. 2019, arXiv:1810.04805)."""

    name = "wordpiece"
    continuation = CONTINUATION

    def _train(self, pretokens: Pretokens, *, min_frequency: int, max_size: int) -> Tokenizer:
        return train_wordpiece(pretokens, min_frequency=min_frequency, max_size=max_size)


def _tokens(model: Tokenizer) -> tuple[str, ...]:
    ids = model.get_vocab()
    return tuple(sorted(ids, key=ids.__getitem__))


def ids_of_pretokens(model: Tokenizer, pretokens: Pretokens) -> tuple[Int32s, Int64s]:
    """Return a model's ids of all pre-tokens [tokens] and the row offsets [rows + 1].

    The model encodes each distinct pre-token once.
    """
    words, index = pretokens.unique()
    _, ids, lengths = _look_up(model, words)
    places, offsets = _spread(lengths, index, pretokens)
    return ids[places], offsets


def _ids_and_places(
    model: Tokenizer, pretokens: Pretokens
) -> tuple[Int32s, Int64s, Int64s, Int64s]:
    """Return what `ids_of_pretokens` does, and the range of each token in `pretokens.points`."""
    words, index = pretokens.unique()
    encodings, ids, lengths = _look_up(model, words)
    places, offsets = _spread(lengths, index, pretokens)
    ranges = chain.from_iterable(encoding.offsets for encoding in encodings)
    within = np.fromiter(chain.from_iterable(ranges), np.int64, 2 * len(ids)).reshape(-1, 2)
    origin = np.repeat(pretokens.starts[:-1], lengths[index])
    return ids[places], offsets, origin + within[places, 0], origin + within[places, 1]


def _look_up(model: Tokenizer, words: list[str]) -> tuple[list[Encoding], Int32s, Int64s]:
    """Return the encodings of `words`, their ids [tokens] and the number of ids of each [words].

    The words are passed in groups: one object per word would cost as much as the look-up.
    """
    groups = [words[first : first + _GROUP] for first in range(0, len(words), _GROUP)]
    encodings = model.encode_batch(groups, is_pretokenized=True, add_special_tokens=False)
    sizes = np.fromiter((len(encoding) for encoding in encodings), np.int64, len(encodings))
    ids = chain.from_iterable(encoding.ids for encoding in encodings)
    word_ids = chain.from_iterable(encoding.word_ids for encoding in encodings)
    word = np.fromiter(word_ids, np.int64, sizes.sum())
    word += np.repeat(_GROUP * np.arange(len(encodings)), sizes)
    return (
        encodings,
        np.fromiter(ids, np.int32, sizes.sum()),
        np.bincount(word, minlength=len(words)),
    )


def _spread(lengths: Int64s, index: Int32s, pretokens: Pretokens) -> tuple[Int64s, Int64s]:
    """Return the index of each token among those of distinct pre-tokens, and row offsets."""
    places = flat_ranges(bounds_of(lengths)[index], lengths[index])
    return places, bounds_of(lengths[index])[pretokens.offsets()]
