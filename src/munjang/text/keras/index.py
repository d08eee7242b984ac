"""What a Keras tokenizer has learned, kept as columns until somebody asks for the dictionaries.

Half a second goes into five dictionaries of 300,000 words, and most callers only want ids.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from munjang.text.columns import Int32s, Int64s
from munjang.text.cutting.codepoints import bounds_of
from munjang.text.cutting.counting import TypeCounts, ranked
from munjang.text.cutting.segment import Segments, segment_tokens
from munjang.text.cutting.typetable import TypeTable

Encoded = tuple[Int32s, Int64s]  # ids [tokens], and how many each row has [rows]
# Gives what is to be done to all parts of a column of words; None if there is no column.
MapParts = Callable[[Callable[[Segments], Encoded]], list[Encoded] | None]

_NONE = -1  # in a column of ids: this word has none
_LARGEST = np.iinfo(np.int32).max


class WordIds:
    """Finds the ids of the words of whole columns.

    Args:
        table: finds words.
        ids: the id of each of its numbers; negative for a word that has none [words].
        others: words with an id that `table` does not know.
    """

    def __init__(self, table: TypeTable, ids: Int32s, others: Mapping[Any, int]) -> None:
        self._table, self._ids, self._others = table, ids, others

    @classmethod
    def of_index(cls, word_index: Mapping[Any, Any]) -> "WordIds | None":
        """From a dictionary that anybody may have made; None where columns cannot hold it."""
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
        """The id of one word, as the dictionary would give it."""
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
        """Ids of the words [tokens] and the offsets of the rows [rows + 1]; None: no column.

        Args:
            map_parts: has the words.
            num_words: larger ids, and this one, count as unknown; None or 0 for no limit.
            oov: the id of unknown words; None leaves them out.
        """
        unknown = _NONE if oov is None else oov
        ids = self._ids
        if num_words:
            ids = np.where(ids < num_words, ids, _NONE)
        table = self._table.renumbered(np.where(ids < 0, unknown, ids).astype(np.int32), unknown)

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
    """One fit, as columns.

    Attributes:
        counts: all words of the fitted texts.
        oov_token: takes id 1 if given.
        min_frequency: words seen less often get no id.
    """

    counts: TypeCounts
    oov_token: Any
    min_frequency: int

    @cached_property
    def ranking(self) -> Int64s:
        """The types that have an id, the most frequent first, ties by first appearance [kept]."""
        return ranked(self.counts.counts, self.min_frequency)

    @property
    def first_id(self) -> int:
        """The id of the most frequent word."""
        return 1 if self.oov_token is None else 2

    def word_counts(self) -> OrderedDict[Any, int]:
        """How often each word was seen, by first appearance."""
        return OrderedDict(zip(self._words, self.counts.counts.tolist(), strict=True))

    def word_docs(self) -> defaultdict[Any, int]:
        """In how many texts each word stands."""
        return defaultdict(int, zip(self._words, self.counts.documents.tolist(), strict=True))

    def word_index(self) -> dict[Any, int]:
        """Word to id. A word that is the `oov_token` too has the id of its rank, as in Keras."""
        return dict(zip(self._numbered, range(1, len(self._numbered) + 1), strict=True))

    def index_word(self) -> dict[int, Any]:
        """Id to word: `word_index` the other way round."""
        if self.oov_token is not None and self.oov_token in self._numbered[1:]:
            return {number: word for word, number in self.word_index().items()}
        return dict(enumerate(self._numbered, start=1))

    def index_docs(self) -> defaultdict[int, int]:
        """In how many texts the word of each id stands."""
        documents = self.counts.documents[self.ranking].tolist()
        return defaultdict(int, enumerate(documents, start=self.first_id))

    @cached_property
    def word_ids(self) -> WordIds:
        """The same ids by columns."""
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
