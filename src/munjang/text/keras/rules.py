"""The word rules of Keras' legacy tokenizer, for single texts and for columns.

Single texts define the result, columns are faster: `segments` returns None where both could differ.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from munjang.errors import ConfigError
from munjang.text.keras.errors import InputTypeError, SettingTypeError
from munjang.text.plain.words import KERAS_FILTERS
from munjang.text.segmentation.counting import TypeCounts, count_types
from munjang.text.segmentation.segment import (
    Segmenter,
    Segments,
    map_segments,
    segment_batches,
    segment_tokens,
)
from munjang.text.segmentation.segmenters import character_segmenter, keras_segmenter

Counted = tuple[Any, int, int]  # a word, its count, the number of texts that hold it
Counts = TypeCounts | Sequence[Counted]

Result = TypeVar("Result")

NO_COLUMN = (TypeError, UnicodeEncodeError)

# Below this number of characters, word by word is faster than columns.
_FEW_CHARACTERS = 1 << 15


def iterate(texts: Any) -> Iterator[Any]:
    """Iterate over texts.

    Raises:
        InputTypeError: `texts` is not iterable.
    """
    if isinstance(texts, str):
        warnings.warn(
            "expected many texts, got one string, so each character counts as a text; write "
            "[text] for a single text",
            stacklevel=3,
        )
    if isinstance(texts, pl.Series | pa.Array | pa.ChunkedArray):
        return iter(texts.to_list() if isinstance(texts, pl.Series) else texts.to_pylist())
    try:
        return iter(texts)
    except TypeError as error:
        raise InputTypeError(f"expected a list of texts, not {texts!r:.60}") from error


def as_list(texts: Any) -> list[Any]:
    """Return texts as a list, without a copy if they are one."""
    return texts if isinstance(texts, list) else list(iterate(texts))


def are_many(rows: list[Any]) -> bool:
    """Return whether there are so many texts that columns are faster."""
    try:
        return len(rows) >= _FEW_CHARACTERS or sum(map(len, rows)) >= _FEW_CHARACTERS
    except TypeError:
        return False  # not all are texts: row by row, the error names the row


def text_to_word_sequence(
    input_text: str,
    filters: Iterable[str] = KERAS_FILTERS,
    lower: bool = True,
    split: str | None = " ",
) -> list[str]:
    """Split one text into words, as Keras does.

    Args:
        input_text: the text.
        filters: characters that are replaced by `split`.
        lower: lower-case first.
        split: separator of words; None removes filtered characters and splits at any white
            space.

    Raises:
        DataError: `input_text` is not a string.
        ConfigError: `filters` or `split` cannot be used.
    """
    return KerasRules(filters=filters, lower=lower, split=split).words(input_text)  # type: ignore[return-value]


@dataclass
class KerasRules:
    """The settings that define the words of a text; see `keras.Tokenizer`."""

    filters: Iterable[str] = KERAS_FILTERS
    lower: bool = True
    split: str | None = " "
    char_level: bool = False
    analyzer: Callable[[Any], Iterable[Any]] | None = None

    def words(self, text: Any, row: int | None = None) -> Iterable[Any]:
        """Return the words of one text, or of one list of words.

        Args:
            text: a string, or a list of words.
            row: its row number, from 1, for the error.

        Raises:
            DataError: it is neither.
            ConfigError: `filters` or `split` cannot be used.
        """
        is_list = isinstance(text, list)
        if self.analyzer is not None and not is_list and not self.char_level:
            return self.analyzer(text)
        table = None if is_list or self.char_level else self._table
        try:
            if is_list:
                return [word.lower() for word in text] if self.lower else list(text)
            text = text.lower() if self.lower else text
            if table is None:
                return list(text)
            words: list[str] = text.translate(table).split(self.split)
            return [word for word in words if word]
        except (AttributeError, TypeError) as error:
            raise InputTypeError(_explain(text), row=row) from error

    @cached_property
    def _table(self) -> dict[int, Any]:
        if self.split is not None and not isinstance(self.split, str):
            raise SettingTypeError(
                f"split must be a string such as ' ', or None for any white space; "
                f"it is {self.split!r}"
            )
        if self.split == "":
            raise ConfigError("split must not be empty; for single characters set char_level=True")
        try:
            return str.maketrans(dict.fromkeys(self.filters, self.split))
        except TypeError as error:
            raise SettingTypeError(self._explain_filters()) from error
        except ValueError as error:
            raise ConfigError(self._explain_filters()) from error

    def _explain_filters(self) -> str:
        return (
            "filters must be a string of the characters to remove, or a list of single "
            f"characters; '' for none; it is {self.filters!r}"
        )

    def segments(self, rows: list[Any]) -> Iterator[Segments] | None:
        """Return the words as segments; None if only Python's string methods can find them.

        Iterating raises one of `NO_COLUMN` if a row is not a string or holds a lone surrogate,
        which a column cannot.
        """
        if _are_cut(rows):
            segments = self._tokens(rows)
            return None if segments is None else iter([segments])
        segmenter = self._segmenter()
        return None if segmenter is None else segment_batches(rows, segmenter)

    def map_parts(self, rows: list[Any], work: Callable[[Segments], Result]) -> list[Result] | None:
        """Apply `work` to consecutive parts of the segments; return None if `segments` does."""
        if _are_cut(rows):
            segments = self._tokens(rows)
            return None if segments is None else [work(segments)]
        segmenter = self._segmenter()
        return None if segmenter is None else map_segments(rows, segmenter, work)

    def _tokens(self, rows: list[Any]) -> Segments | None:
        kinds = set(map(type, rows)), set(map(type, chain.from_iterable(rows)))
        if kinds[0] != {list} or not kinds[1] <= {str, np.str_}:
            return None
        return segment_tokens(rows, lower=bool(self.lower))

    def count(self, rows: list[Any], rows_before: int = 0) -> Sequence[Counts]:
        """Count the words of some texts, by columns if possible.

        Args:
            rows: the texts.
            rows_before: number of rows before them, for errors.

        Raises:
            DataError: a text is not a text; its row is named.
        """
        segments = self.segments(rows) if are_many(rows) else None
        if segments is not None:
            try:
                return [count_types(part) for part in segments]
            except NO_COLUMN:
                pass
        counts: dict[Any, int] = {}
        documents: dict[Any, int] = {}
        for row, text in enumerate(rows, start=rows_before + 1):
            words = list(self.words(text, row))
            for word in words:
                counts[word] = counts.get(word, 0) + 1
            for word in set(words):
                documents[word] = documents.get(word, 0) + 1
        return [[(word, number, documents[word]) for word, number in counts.items()]]

    def _segmenter(self) -> Segmenter | None:
        if self.char_level:
            return character_segmenter(bool(self.lower))
        split = self.split
        if self.analyzer is not None or not isinstance(split, str) or len(split) != 1:
            return None
        # Rows are joined with `split`, so it must be unchanged by lower-casing, and a single unit.
        if self.lower and split.lower() != split:
            return None
        if "\ud800" <= split <= "\udfff" or split > "\uffff":
            return None
        self._table  # noqa: B018  # raises if a setting is invalid
        if not all(isinstance(character, str) for character in self.filters):
            return None
        return keras_segmenter("".join(self.filters), bool(self.lower), split)


def _are_cut(rows: list[Any]) -> bool:
    return bool(rows) and isinstance(rows[0], list)


def _explain(text: Any) -> str:
    if isinstance(text, list):
        odd = next(word for word in text if not isinstance(word, str))
        return f"expected a list of strings, but it holds {odd!r}; convert it to a string first"
    kind = "nothing (None)" if text is None else f"{text!r:.60} ({type(text).__name__})"
    return (
        f"expected a text (str) or a list of words, got {kind}; "
        "convert it to a string or leave it out"
    )
