"""The protocol of all tokenizers: columns of texts to token columns and back."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

import polars as pl

from munjang.errors import FolderError, NotFittedError
from munjang.text.columns import Int32s, TokenColumn, Tokens
from munjang.text.vocabulary import Vocabulary


class Tokenizer(Protocol):
    """Strings to ids and back, a column at a time.

    `fit` learns the vocabulary; the other methods change nothing. An empty text gives an empty row.
    Texts are normalized to NFC first unless the tokenizer documents otherwise; character offsets
    always point into the text as given.
    """

    name: ClassVar[str]

    @property
    def split_points(self) -> re.Pattern[str] | None:
        """A pattern of split points: tokens before a match do not depend on what follows.

        The last pre-token of the subword tokenizers is an exception, see
        `munjang.text.subwords.pretokens`. None if any token may depend on the whole text.
        """
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary learned by `fit`; `NotFittedError` before."""
        ...

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Learn the vocabulary from a column of texts. `max_size` counts the reserved ids."""
        ...

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column with one row per text."""
        ...

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens], those of `encode`, without the cost of a column.

        It uses no thread pool, so that it works in a forked process.
        """
        ...

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column of texts, with the character range of each token."""
        ...

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn a token column back to texts as exactly as the tokenizer can, without PAD."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return all state except the vocabulary as plain JSON: settings, merges, versions."""
        ...

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described."""
        ...


@runtime_checkable
class RefusesTexts(Protocol):
    """A tokenizer of prediction that some texts are not for."""

    def refusal(self, text: str) -> str | None:
        """Return why a text is refused, in two or three words; None if it is not."""
        ...


T = TypeVar("T")


def fit_notes(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Return the lines to print after `fit`; most tokenizers have none."""
    return tuple(getattr(tokenizer, "notes", ()))


def require_fitted(learned: T | None, name: str) -> T:
    """Return what `fit` learned.

    Args:
        learned: the learned state, or None.
        name: name of the tokenizer, for the message.

    Raises:
        NotFittedError: `fit` was not called yet.
    """
    if learned is None:
        raise NotFittedError(
            f"this {name} tokenizer is not fitted; call fit(texts) first, or load a fitted one"
        )
    return learned


def read_settings(state: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """Return the settings in the result of a `to_json`, after checking keys and types.

    Args:
        state: the values.
        kinds: type of each expected key, `name` excluded.

    Raises:
        FolderError: a key is missing, unknown, or of another type.
    """
    name = state.get("name")
    if state.keys() != {"name", *kinds}:
        raise FolderError(
            f"tokenizer.json does not describe a {name} tokenizer: expected "
            f"{', '.join(['name', *kinds])}"
        )
    for key, kind in kinds.items():
        if type(state[key]) is not kind:
            raise FolderError(
                f"tokenizer.json does not describe a {name} tokenizer: {key} is no {kind.__name__}"
            )
    return {key: state[key] for key in kinds}
