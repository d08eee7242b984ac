"""A Hugging Face tokenizer as it is: taken from a `tokenizer.json`, not learned from the texts.

    normalizer -> pre-tokenizer -> model -> post-processor, and a decoder for the way back

Use when: a model shall read what another model reads (BERT, RoBERTa, XLM-R, GPT-2, ...), or you
trained a tokenizer with the library `tokenizers`. Ids are those of `tokenizer.encode(text)`,
translated so that the reserved ids stand where they must (see `special_tokens`). The texts are not
normalized here: a tokenizer that wants NFC has a normalizer for it.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from tokenizers import Encoding
from tokenizers import Tokenizer as Library

from munjang.errors import ConfigError, DataError, FolderError
from munjang.text.columns import Int32s, Int64s, TokenColumn, Tokens, token_column
from munjang.text.detokenize import UNKNOWN, real_tokens
from munjang.text.huggingface.bounds import check_bounds
from munjang.text.huggingface.files import library_errors, state_of
from munjang.text.huggingface.loaded import LoadedTokenizer, load_file, load_state
from munjang.text.segmentation.codepoints import bounds_of
from munjang.text.segmentation.utf32 import require_texts
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary

_CHARACTERS_AT_ONCE = 2_000_000  # the library's encodings take some hundred bytes per token


class HuggingFaceTokenizer:
    """The pieces of a Hugging Face tokenizer.

    Args:
        file: a `tokenizer.json`, or a folder that holds one. Only `fit` reads it.
        post_process: whether the tokenizer's post-processor adds its tokens, such as [CLS] and
            [SEP]. Off by default, since `tokenizer.add_go_eos` puts <go> and <eos>, which stand for
            the same tokens, around each text, and keeps them when a long text is cut.
    """

    name: ClassVar[str] = "huggingface"
    # any token may depend on all of the text
    split_points: ClassVar[re.Pattern[str] | None] = None

    def __init__(self, *, file: str | None = None, post_process: bool = False) -> None:
        self.file = file
        self.post_process = post_process
        self._loaded: LoadedTokenizer | None = None

    @classmethod
    def from_tokenizer(cls, tokenizer: Any, *, post_process: bool = False) -> Self:
        """Take a `tokenizers.Tokenizer`, or a fast one of transformers; it is copied.

        Args:
            tokenizer: the object.
            post_process: as in the constructor.

        Raises:
            ConfigError: it has parts written in Python, or passes a bound (see `bounds`).
        """
        library = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not isinstance(library, Library):
            raise ConfigError(
                "expected a tokenizers.Tokenizer or a fast tokenizer of transformers, got "
                f"{type(tokenizer).__name__}"
            )
        taken = cls(post_process=post_process)
        state = state_of(library)
        check_bounds(state)
        taken._loaded = load_state(state)
        return taken

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
    def notes(self) -> tuple[str, ...]:
        """One line on which tokens stand for the reserved ones, and which of them are missing."""
        special = require_fitted(self._loaded, self.name).special
        known = [f"{token} for {name}" for name, token in special.items()]
        missing = [name for name in RESERVED if name not in special]
        parts = [f"it has {', '.join(known)}"] if known else []
        parts += [f"it has no token for {', '.join(missing)}: added"] if missing else []
        return (f"tokenizer {self.name}: {'; '.join(parts)}",)

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Read the file, unless that is done, and count its tokens in a column of texts.

        Raises:
            DataError: the column holds a null or something else than strings.
            ConfigError: there is no file, it is no tokenizer within the bounds, or
                `min_frequency` or `max_size` is set, which would change the tokenizer.
        """
        require_texts(texts)
        if min_frequency != 1 or max_size is not None:
            raise ConfigError(
                "tokenizer huggingface has the vocabulary of its file: leave out "
                "tokenizer.min_frequency and tokenizer.max_size"
            )
        if self._loaded is None:
            if self.file is None:
                raise ConfigError(
                    "tokenizer huggingface needs a tokenizer.json: add "
                    "--set tokenizer.settings.file=FILE"
                )
            self._loaded = load_file(self.file)
        loaded = self._loaded
        ids, _ = _encode(loaded, texts, self.post_process)
        counts = np.bincount(ids, minlength=len(loaded.map.tokens))
        dropped = int(counts[OOV])
        counts[: len(RESERVED)] = 0
        vocabulary = Vocabulary(loaded.map.tokens, counts, dropped)
        self._loaded = replace(loaded, vocabulary=vocabulary)
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column."""
        loaded = require_fitted(self._loaded, self.name)
        return token_column(*_encode(loaded, require_texts(texts), self.post_process))

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        loaded = require_fitted(self._loaded, self.name)
        with library_errors(DataError, "the tokenizer fails on a text"):
            encoding = loaded.library.encode(text, add_special_tokens=self.post_process)
        return _ids(loaded, [encoding], self.post_process)

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the character range of each token in the text as given.

        Ranges are the library's. A token that the post-processor adds has an empty range.
        """
        loaded = require_fitted(self._loaded, self.name)
        ids, rows, starts, ends = [], [], [], []
        for batch in _batches(require_texts(texts)):
            encodings = _encode_batch(loaded, batch, self.post_process, offsets=True)
            ids.append(_ids(loaded, encodings, self.post_process))
            rows.append(_lengths(encodings))
            begins, stops = _ranges(encodings)
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
        names = list(loaded.vocabulary.tokens)
        names[OOV] = UNKNOWN
        decoder = loaded.library.decoder
        texts = []
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            tokens = [names[n] for n in ids[start:end][kept[start:end]].tolist()]
            with library_errors(DataError, "the tokenizer's decoder fails"):
                texts.append(" ".join(tokens) if decoder is None else decoder.decode(tokens))
        return pl.Series(texts, dtype=pl.String)

    def to_json(self) -> dict[str, Any]:
        """Return the name, the settings, and the tokenizer in Hugging Face's own JSON."""
        loaded = require_fitted(self._loaded, self.name)
        return {
            "name": self.name,
            "post_process": self.post_process,
            "special_tokens": dict(loaded.special),
            "tokenizer": state_of(loaded.library),
        }

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described.

        Raises:
            FolderError: it cannot be read, passes a bound, or has other tokens than `vocabulary`.
        """
        kinds = {"post_process": bool, "special_tokens": dict, "tokenizer": dict}
        settings = read_settings(state, kinds)
        try:
            check_bounds(settings["tokenizer"])
            loaded = load_state(settings["tokenizer"], settings["special_tokens"])
        except ConfigError as error:
            raise FolderError(f"tokenizer.json: {error}") from None
        if loaded.map.tokens != vocabulary.tokens:
            raise FolderError(
                "the tokenizer in tokenizer.json and vocabulary.json do not hold the same tokens; "
                "take both from one folder"
            )
        tokenizer = cls(post_process=settings["post_process"])
        tokenizer._loaded = replace(loaded, vocabulary=vocabulary)
        return tokenizer


def _encode(loaded: LoadedTokenizer, texts: pl.Series, post_process: bool) -> tuple[Int32s, Int64s]:
    """Return the ids of a column [tokens] and its row offsets [rows + 1]."""
    ids, rows = [], []
    for batch in _batches(texts):
        encodings = _encode_batch(loaded, batch, post_process, offsets=False)
        ids.append(_ids(loaded, encodings, post_process))
        rows.append(_lengths(encodings))
    return _joined(ids, np.int32), bounds_of(_joined(rows, np.int64))


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


def _ranges(encodings: list[Encoding]) -> tuple[Int64s, Int64s]:
    """Return where tokens begin and end in their texts, end to end [tokens]."""
    starts, ends = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for encoding in encodings:
        pairs = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        # an added token has (0, 0): it stands where the token before it ends
        added = np.array(encoding.special_tokens_mask, dtype=np.bool_)
        ends_before = np.maximum.accumulate(pairs[:, 1]) if len(pairs) else pairs[:, 1]
        starts.append(np.where(added, ends_before, pairs[:, 0]))
        ends.append(np.where(added, ends_before, pairs[:, 1]))
    return np.concatenate(starts), np.concatenate(ends)


def _lengths(encodings: list[Encoding]) -> Int64s:
    return np.fromiter(map(len, encodings), np.int64, len(encodings))


def _joined(parts: list[Any], kind: Any) -> Any:
    return np.concatenate([np.zeros(0, kind), *parts])
