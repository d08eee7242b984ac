"""What Keras' legacy tokenizer takes for the words of a text, one text at a time and by columns.

The first is the meaning, the second the speed: `segments` gives up wherever the two could differ.
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
from munjang.text.cutting.counting import TypeCounts, count_types
from munjang.text.cutting.cutters import KERAS_FILTERS, character_cutter, keras_cutter
from munjang.text.cutting.segment import (
    Cutter,
    Segments,
    map_segments,
    segment_batches,
    segment_tokens,
)
from munjang.text.keras.errors import InputTypeError, SettingTypeError

Counted = tuple[Any, int, int]  # a word, how often it stands in some texts, in how many of them
Counts = TypeCounts | Sequence[Counted]

Result = TypeVar("Result")

NO_COLUMN = (TypeError, UnicodeEncodeError)

# Below so many characters, one word after another is faster than setting up columns.
_FEW_CHARACTERS = 1 << 15


def iterate(texts: Any) -> Iterator[Any]:
    """The texts one by one; `InputTypeError` if that is not what came."""
    if isinstance(texts, str):
        warnings.warn(
            "one string came where many texts are expected, so each character counts as a text; "
            "write [text] for a single text",
            stacklevel=3,
        )
    if isinstance(texts, pl.Series | pa.Array | pa.ChunkedArray):
        return iter(texts.to_list() if isinstance(texts, pl.Series) else texts.to_pylist())
    try:
        return iter(texts)
    except TypeError as error:
        raise InputTypeError(f"expected a list of texts, not {texts!r:.60}") from error


def as_list(texts: Any) -> list[Any]:
    """The texts as a list; not a copy if they are one."""
    return texts if isinstance(texts, list) else list(iterate(texts))


def are_many(rows: list[Any]) -> bool:
    """Whether columns pay for so many texts."""
    try:
        return len(rows) >= _FEW_CHARACTERS or sum(map(len, rows)) >= _FEW_CHARACTERS
    except TypeError:
        return False  # some of them are not texts: one after another, the error names the row


def text_to_word_sequence(
    input_text: str,
    filters: Iterable[str] = KERAS_FILTERS,
    lower: bool = True,
    split: str | None = " ",
) -> list[str]:
    """Cut one text into words, as Keras does.

    Args:
        input_text: the text.
        filters: characters that are replaced by `split`.
        lower: whether to lower-case first.
        split: what stands between words; None takes filtered characters out and cuts at any
            white space.

    Raises:
        DataError: `input_text` is not a string.
        ConfigError: `filters` or `split` cannot be used.
    """
    return KerasRules(filters=filters, lower=lower, split=split).words(input_text)  # type: ignore[return-value]


@dataclass
class KerasRules:
    """The settings that decide what the words of a text are; see `keras.Tokenizer`."""

    filters: Iterable[str] = KERAS_FILTERS
    lower: bool = True
    split: str | None = " "
    char_level: bool = False
    analyzer: Callable[[Any], Iterable[Any]] | None = None

    def words(self, text: Any, row: int | None = None) -> Iterable[Any]:
        """The words of one text, or of one list of words.

        Args:
            text: a string, or a list whose elements are the words.
            row: its place in the column, from 1, for the error.

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
            "filters must be a string of the characters to take out, or a list of single "
            f"characters; '' for none; it is {self.filters!r}"
        )

    def segments(self, rows: list[Any]) -> Iterator[Segments] | None:
        """The same words by columns; None where only Python's own string methods will do.

        While it runs, one of `NO_COLUMN` says that some row is no string, or holds a lone
        surrogate, which no column can.
        """
        if _are_cut(rows):
            segments = self._tokens(rows)
            return None if segments is None else iter([segments])
        cutter = self._cutter()
        return None if cutter is None else segment_batches(rows, cutter)

    def map_parts(self, rows: list[Any], work: Callable[[Segments], Result]) -> list[Result] | None:
        """`work` of consecutive parts of what `segments` gives; None where that gives None."""
        if _are_cut(rows):
            segments = self._tokens(rows)
            return None if segments is None else [work(segments)]
        cutter = self._cutter()
        return None if cutter is None else map_segments(rows, cutter, work)

    def _tokens(self, rows: list[Any]) -> Segments | None:
        kinds = set(map(type, rows)), set(map(type, chain.from_iterable(rows)))
        if kinds[0] != {list} or not kinds[1] <= {str, np.str_}:
            return None
        return segment_tokens(rows, lower=bool(self.lower))

    def count(self, rows: list[Any], rows_before: int = 0) -> Sequence[Counts]:
        """Count the words of some texts, by columns if possible.

        Args:
            rows: the texts.
            rows_before: how many came before them, for the errors.

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

    def _cutter(self) -> Cutter | None:
        if self.char_level:
            return character_cutter(bool(self.lower))
        split = self.split
        if self.analyzer is not None or not isinstance(split, str) or len(split) != 1:
            return None
        # Rows are joined with `split`, which must then be what separates them once lower-cased,
        # and a single unit.
        if self.lower and split.lower() != split:
            return None
        if "\ud800" <= split <= "\udfff" or split > "\uffff":
            return None
        self._table  # noqa: B018  # refuses what cannot be used
        if not all(isinstance(character, str) for character in self.filters):
            return None
        return keras_cutter("".join(self.filters), bool(self.lower), split)


def _are_cut(rows: list[Any]) -> bool:
    return bool(rows) and isinstance(rows[0], list)


def _explain(text: Any) -> str:
    if isinstance(text, list):
        odd = next(word for word in text if not isinstance(word, str))
        return f"expected a list of strings, but {odd!r} stands in it; turn it into a string first"
    kind = "nothing (None)" if text is None else f"{text!r:.60} ({type(text).__name__})"
    return (
        f"expected a text (str) or a list of words, but here is {kind}; "
        "turn it into a string or leave it out"
    )
