"""Base of tokenizers that the library Hugging Face tokenizers encodes with, all stages included.

    normalizer -> pre-tokenizer -> model -> post-processor, and a decoder for the way back

Ids are those of `tokenizer.encode(text)`, translated so that the reserved ids stand where they must
(see `special_tokens`). The texts are not normalized here: a tokenizer that wants NFC has a
normalizer for it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any, ClassVar

import numpy as np
import polars as pl
from tokenizers import Encoding

from munjang.errors import DataError, FolderError
from munjang.text.columns import Int32s, Int64s, TokenColumn, Tokens, token_column
from munjang.text.detokenize import real_tokens
from munjang.text.huggingface.files import library_errors, state_of
from munjang.text.huggingface.loaded import LoadedTokenizer
from munjang.text.huggingface.offsets import cover_combining
from munjang.text.plain.ids import UNKNOWN
from munjang.text.segmentation.codepoints import bounds_of
from munjang.text.segmentation.utf32 import require_texts
from munjang.text.tokenizer import require_fitted
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary

_CHARACTERS_AT_ONCE = 2_000_000  # the library's encodings take some hundred bytes per token


class LibraryTokenizer:
    """A tokenizer of the library, and its ids in the order of the project.

    A subclass implements `fit`, `to_json` and `from_json`, and sets `_loaded`.

    Args:
        post_process: whether the tokenizer's post-processor adds its tokens.
    """

    name: ClassVar[str]
    # any token may depend on all of the text
    split_points: ClassVar[re.Pattern[str] | None] = None

    def __init__(self, *, post_process: bool = False) -> None:
        self.post_process = post_process
        self._loaded: LoadedTokenizer | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens, with their counts in the texts that `fit` was given."""
        return require_fitted(self._loaded, self.name).vocabulary

    @property
    def huggingface_ids(self) -> Int64s:
        """The tokenizer's own id of each of ours, -1 for a reserved one it lacks [size].

        The rows of an embedding that was trained with the tokenizer are picked by these.
        """
        return require_fitted(self._loaded, self.name).map.theirs

    @property
    def project_ids(self) -> Int32s:
        """The project's id of each of the tokenizer's own [largest of its ids + 1]."""
        return require_fitted(self._loaded, self.name).map.ours

    @property
    def hidden_ids(self) -> Int64s:
        """The ids that `decode` leaves out, ascending."""
        return np.flatnonzero(require_fitted(self._loaded, self.name).hidden)

    @property
    def special_tokens(self) -> Mapping[str, str]:
        """The tokenizer's tokens by the reserved names that they stand for."""
        return require_fitted(self._loaded, self.name).special

    @property
    def library_state(self) -> dict[str, Any]:
        """The tokenizer in Hugging Face's own JSON."""
        return state_of(require_fitted(self._loaded, self.name).library)

    @property
    def notes(self) -> tuple[str, ...]:
        """One line on which tokens stand for the reserved ones, and which of them are missing."""
        special = require_fitted(self._loaded, self.name).special
        known = [f"{token} for {name}" for name, token in special.items()]
        missing = [name for name in RESERVED if name not in special]
        parts = [f"it has {', '.join(known)}"] if known else []
        parts += [f"it has no token for {', '.join(missing)}: added"] if missing else []
        return (f"tokenizer {self.name}: {'; '.join(parts)}",)

    def _take(self, loaded: LoadedTokenizer, vocabulary: Vocabulary) -> None:
        """Take a restored tokenizer with its vocabulary.

        Raises:
            FolderError: they do not hold the same tokens.
        """
        if loaded.map.tokens != vocabulary.tokens:
            raise FolderError(
                "the tokenizer in tokenizer.json and vocabulary.json do not hold the same tokens; "
                "take both from one folder"
            )
        self._loaded = replace(loaded, vocabulary=vocabulary)

    def _count(self, loaded: LoadedTokenizer, texts: pl.Series) -> None:
        """Take a tokenizer, with the counts of its tokens in a column of texts."""
        ids, _ = self._encode(loaded, texts)
        counts = np.bincount(ids, minlength=len(loaded.map.tokens))
        dropped = int(counts[OOV])
        counts[: len(RESERVED)] = 0
        vocabulary = Vocabulary(loaded.map.tokens, counts, dropped)
        self._loaded = replace(loaded, vocabulary=vocabulary)

    def _encode(self, loaded: LoadedTokenizer, texts: pl.Series) -> tuple[Int32s, Int64s]:
        """Return the ids of a column [tokens] and its row offsets [rows + 1]."""
        ids, rows = [], []
        for batch in _batches(texts):
            encodings = _encode_batch(loaded, batch, self.post_process, offsets=False)
            ids.append(_ids(loaded, encodings, self.post_process))
            rows.append(_lengths(encodings))
        return _joined(ids, np.int32), bounds_of(_joined(rows, np.int64))

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column."""
        loaded = require_fitted(self._loaded, self.name)
        return token_column(*self._encode(loaded, require_texts(texts)))

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        loaded = require_fitted(self._loaded, self.name)
        with library_errors(DataError, "the tokenizer fails on a text"):
            encoding = loaded.library.encode(text, add_special_tokens=self.post_process)
        return _ids(loaded, [encoding], self.post_process)

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the character range of each token in the text as given.

        Ranges are the library's, extended over characters that combine with the last one of a
        token. A token that the post-processor adds has an empty range.
        """
        loaded = require_fitted(self._loaded, self.name)
        ids, rows, starts, ends = [], [], [], []
        for batch in _batches(require_texts(texts)):
            encodings = _encode_batch(loaded, batch, self.post_process, offsets=True)
            ids.append(_ids(loaded, encodings, self.post_process))
            rows.append(_lengths(encodings))
            begins, stops = _ranges(batch, encodings)
            starts.append(begins)
            ends.append(stops)
        offsets = bounds_of(_joined(rows, np.int64))
        return Tokens(
            token_column(_joined(ids, np.int32), offsets),
            token_column(_joined(starts, np.int64), offsets),
            token_column(_joined(ends, np.int64), offsets),
        )

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn ids back to texts with the tokenizer's decoder.

        Special tokens are left out, as PAD, GO and EOS are; OOV reads as U+FFFD.
        """
        loaded = require_fitted(self._loaded, self.name)
        ids, offsets = real_tokens(column, loaded.vocabulary.size)
        kept = ~loaded.hidden.take(ids)
        names = loaded.vocabulary.tokens
        decoder = loaded.library.decoder
        texts = []
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            shown = ids[start:end][kept[start:end]].tolist()
            tokens = [UNKNOWN if n == OOV else names[n] for n in shown]
            with library_errors(DataError, "the tokenizer's decoder fails"):
                texts.append(" ".join(tokens) if decoder is None else decoder.decode(tokens))
        return pl.Series(texts, dtype=pl.String)


def _batches(texts: pl.Series) -> Iterator[list[str]]:
    """Yield the texts of a column in groups of bounded length."""
    places = (texts.str.len_chars().to_numpy().astype(np.int64).cumsum()) // _CHARACTERS_AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(places)) + 1).tolist(), len(texts)]
    for start, end in pairwise(cuts):
        yield texts[start:end].to_list()


def _encode_batch(
    loaded: LoadedTokenizer, texts: list[str], post_process: bool, *, offsets: bool
) -> list[Encoding]:
    library = loaded.library
    encode = library.encode_batch if offsets else library.encode_batch_fast
    with library_errors(DataError, "the tokenizer fails on a text"):
        return encode(texts, add_special_tokens=post_process)


def _ids(loaded: LoadedTokenizer, encodings: list[Encoding], post_process: bool) -> Int32s:
    """Return the project's ids of some encodings, end to end [tokens]."""
    count = sum(map(len, encodings))
    ids = np.fromiter(chain.from_iterable(e.ids for e in encodings), np.int64, count)
    if not post_process:
        return loaded.map.of_text(ids)
    mask = (e.special_tokens_mask for e in encodings)
    added = np.fromiter(chain.from_iterable(mask), np.bool_, count)
    return loaded.map.of_text(ids, added)


def _ranges(texts: list[str], encodings: list[Encoding]) -> tuple[Int64s, Int64s]:
    """Return where tokens begin and end in their texts, end to end [tokens]."""
    starts, ends = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for text, encoding in zip(texts, encodings, strict=True):
        pairs = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        # an added token has (0, 0): it stands where the token before it ends
        added = np.array(encoding.special_tokens_mask, dtype=np.bool_)
        pairs[:, 1] = cover_combining(text, pairs[:, 0], pairs[:, 1])
        ends_before = np.maximum.accumulate(pairs[:, 1]) if len(pairs) else pairs[:, 1]
        starts.append(np.where(added, ends_before, pairs[:, 0]))
        ends.append(np.where(added, ends_before, pairs[:, 1]))
    return np.concatenate(starts), np.concatenate(ends)


def _lengths(encodings: list[Encoding]) -> Int64s:
    return np.fromiter(map(len, encodings), np.int64, len(encodings))


def _joined(parts: list[Any], kind: Any) -> Any:
    return np.concatenate([np.zeros(0, kind), *parts])
