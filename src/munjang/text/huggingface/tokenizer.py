"""A Hugging Face tokenizer as it is: taken from a `tokenizer.json`, not learned from the texts.

Use when: a model shall read what another model reads (BERT, RoBERTa, XLM-R, GPT-2, ...), or you
trained a tokenizer with the library `tokenizers`. See `library` for how it encodes.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import polars as pl
from tokenizers import Tokenizer as Library

from munjang.errors import ConfigError, FolderError
from munjang.text.huggingface.bounds import check_bounds
from munjang.text.huggingface.files import state_of
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.huggingface.loaded import load_file, load_state
from munjang.text.segmentation.utf32 import require_texts
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import Vocabulary


class HuggingFaceTokenizer(LibraryTokenizer):
    """The pieces of a Hugging Face tokenizer.

    Args:
        file: a `tokenizer.json`, or a folder that holds one. Only `fit` reads it.
        post_process: whether the tokenizer's post-processor adds its tokens, such as [CLS] and
            [SEP]. Off by default, since `tokenizer.add_go_eos` puts <go> and <eos>, which stand for
            the same tokens, around each text, and keeps them when a long text is cut.
    """

    name: ClassVar[str] = "huggingface"

    def __init__(self, *, file: str | None = None, post_process: bool = False) -> None:
        super().__init__(post_process=post_process)
        self.file = file

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
        state = state_of(library)
        check_bounds(state)
        return cls.from_state(state, post_process=post_process)

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Any],
        special: Mapping[str, str] | None = None,
        *,
        post_process: bool = False,
    ) -> Self:
        """Take the values of a `tokenizer.json`.

        Args:
            state: values within the bounds of `bounds`.
            special: tokens by the reserved name that they stand for; found if None.
            post_process: as in the constructor.

        Raises:
            ConfigError: the library refuses them.
        """
        taken = cls(post_process=post_process)
        taken._loaded = load_state(state, special)
        return taken

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
        self._count(self._loaded, texts)
        return self

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
        tokenizer = cls(post_process=settings["post_process"])
        tokenizer._take(loaded, vocabulary)
        return tokenizer
