"""The one protocol of all tokenizers: a column of texts in, a token column out, and back."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar

import polars as pl

from munjang.errors import FolderError, NotFittedError
from munjang.text.columns import Int32s, TokenColumn, Tokens
from munjang.text.vocabulary import Vocabulary


class Tokenizer(Protocol):
    """Strings to ids and back, a column at a time.

    `fit` learns the vocabulary; the rest is pure. A text that is empty gives an empty row.
    Texts are NFC-normalised first unless the tokenizer says otherwise; character offsets always
    point into the text as it was given.
    """

    name: ClassVar[str]

    @property
    def cuts(self) -> re.Pattern[str] | None:
        """Where a text may be cut: before each match the tokens are the same whatever follows.

        Of subwords the last pre-token is not (`munjang.text.subwords.pretokens`). None where any
        token may depend on all of the text.
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
        """Encode a column of texts to a token column with one row a text."""
        ...

    def encode_text(self, text: str) -> Int32s:
        """The ids of one text [tokens]: those of `encode`, at the cost of one text.

        No table, no column and no thread take part, so that it works in a forked process.
        """
        ...

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """The same ids, with the character range of each token."""
        ...

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn a token column back to texts, as nearly as the tokenizer can. PAD is dropped."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Everything but the vocabulary, as plain JSON: settings, merges, versions."""
        ...

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """The tokenizer that `to_json` described."""
        ...


T = TypeVar("T")


def fit_notes(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Return lines for people on what `fit` found; most tokenizers have none."""
    return tuple(getattr(tokenizer, "notes", ()))


def fitted(learned: T | None, name: str) -> T:
    """Return what `fit` learned; raise `NotFittedError` for the tokenizer `name` if nothing yet."""
    if learned is None:
        raise NotFittedError(
            f"this {name} tokenizer has learned nothing yet; call fit(texts) first, or load one"
        )
    return learned


def described(state: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """The settings in what a `to_json` gave: these keys, of these types, and no other.

    Raises:
        FolderError: a key is missing, one too many, or of another type.
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
