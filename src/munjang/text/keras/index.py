"""The learned state of a Keras tokenizer as columns, turned into dictionaries on request.

Five dictionaries of 300,000 words take half a second, and most callers only need ids.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from munjang.text.columns import Int32s, Int64s
from munjang.text.segmentation.codepoints import bounds_of
from munjang.text.segmentation.counting import TypeCounts, rank_by_count
from munjang.text.segmentation.segment import Segments, segment_tokens
from munjang.text.segmentation.typetable import TypeTable

Encoded = tuple[Int32s, Int64s]  # ids [tokens], and the number of them in each row [rows]
# Applies a function to all parts of a column of words; None if there is no column.
MapParts = Callable[[Callable[[Segments], Encoded]], list[Encoded] | None]

_NONE = -1  # the id of a word without one
_LARGEST = np.iinfo(np.int32).max


class WordIds:
    """Finds the ids of the words of whole columns.

    Args:
        table: from words to numbers.
        ids: the id for each number; negative for a word without one [words].
        others: ids of words that `table` does not hold.
    """

    def __init__(self, table: TypeTable, ids: Int32s, others: Mapping[Any, int]) -> None:
        self._table, self._ids, self._others = table, ids, others

    @classmethod
    def of_index(cls, word_index: Mapping[Any, Any]) -> "WordIds | None":
        """Build it from any dictionary; return None if columns cannot hold it."""
        try:
            words = pl.Series(list(word_index), dtype=pl.String, strict=True)
            ids = np.array(list(word_index.values()), dtype=np.int64)
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
            return None
        if words.null_count() or ids.ndim != 1 or (ids < 0).any() or (ids > _LARGEST).any():
            return None
        if any(type(number) is not int for number in word_index.values()):
            return None
        return cls(TypeTable.of_types(words), ids.astype(np.int32), {})

    def id_of(self, word: Any) -> int | None:
        """Return the id of one word, as the dictionary would."""
        try:
            known = [[word]] if isinstance(word, str) else [[]]
            numbers = self._table.find(segment_tokens(known, lower=False))
        except UnicodeEncodeError:  # a lone surrogate
            return self._others.get(word)
        ids = [int(self._ids[number]) for number in numbers if number >= 0]
        return ids[0] if ids and ids[0] >= 0 else self._others.get(word)

    def encode(
        self, map_parts: MapParts, *, num_words: float | None, oov: int | None
    ) -> tuple[Int32s, Int64s] | None:
        """Return ids [tokens] and row offsets [rows + 1]; None if there is no column.

        Args:
            map_parts: applies a function to the words.
            num_words: ids from here on count as unknown; None or 0 for no limit.
            oov: id of unknown words; None to leave them out.
        """
        unknown = _NONE if oov is None else oov
        ids = self._ids
        if num_words:
            ids = np.where(ids < num_words, ids, _NONE)
        table = self._table.renumber(np.where(ids < 0, unknown, ids).astype(np.int32), unknown)

        def encode(part: Segments) -> Encoded:
            found, offsets = table.find(part), part.offsets
            known = found != _NONE
            if not known.all():
                found, offsets = found[known], bounds_of(known).take(offsets)
            return found, np.diff(offsets)

        parts = map_parts(encode)
        if parts is None:
            return None
        values, lengths = zip(*parts, strict=True)
        return np.concatenate(values), bounds_of(np.concatenate(lengths))


@dataclass(frozen=True)
class KerasColumns:
    """The result of a fit, as columns.

    Attributes:
        counts: counts of all words of the fitted texts.
        oov_token: token with id 1, or None.
        min_frequency: rarer words get no id.
    """

    counts: TypeCounts
    oov_token: Any
    min_frequency: int

    @cached_property
    def ranking(self) -> Int64s:
        """Types with an id, most frequent first, ties by first appearance [kept]."""
        return rank_by_count(self.counts.counts, self.min_frequency)

    @property
    def first_id(self) -> int:
        """The id of the most frequent word."""
        return 1 if self.oov_token is None else 2

    def word_counts(self) -> OrderedDict[Any, int]:
        """Return the count of each word, by first appearance."""
        return OrderedDict(zip(self._words, self.counts.counts.tolist(), strict=True))

    def word_docs(self) -> defaultdict[Any, int]:
        """Return the number of texts that hold each word."""
        return defaultdict(int, zip(self._words, self.counts.documents.tolist(), strict=True))

    def word_index(self) -> dict[Any, int]:
        """Return ids by word. A word equal to `oov_token` has the id of its rank, as in Keras."""
        return dict(zip(self._numbered, range(1, len(self._numbered) + 1), strict=True))

    def index_word(self) -> dict[int, Any]:
        """Return words by id: the inverse of `word_index`."""
        if self.oov_token is not None and self.oov_token in self._numbered[1:]:
            return {number: word for word, number in self.word_index().items()}
        return dict(enumerate(self._numbered, start=1))

    def index_docs(self) -> defaultdict[int, int]:
        """Return the number of texts that hold the word of each id."""
        documents = self.counts.documents[self.ranking].tolist()
        return defaultdict(int, enumerate(documents, start=self.first_id))

    @cached_property
    def word_ids(self) -> WordIds:
        """The ids, for columns."""
        ids = np.full(len(self.counts.counts), _NONE, dtype=np.int32)
        ids[self.ranking] = np.arange(len(self.ranking), dtype=np.int32) + self.first_id
        others = {} if self.oov_token is None else {self.oov_token: 1}
        return WordIds(self.counts.table, ids, others)

    @cached_property
    def _words(self) -> list[str]:
        return self.counts.types.to_list()

    @cached_property
    def _numbered(self) -> list[Any]:
        """The words in the order of their ids."""
        oov = [] if self.oov_token is None else [self.oov_token]
        return [*oov, *map(self._words.__getitem__, self.ranking.tolist())]
