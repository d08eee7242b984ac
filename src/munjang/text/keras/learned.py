"""The dictionaries of a Keras tokenizer: learned from columns, created on first access."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from munjang.errors import ConfigError, NotFittedError
from munjang.text.columns import Int32s, Int64s
from munjang.text.coverage import ValidationTypes, match_types
from munjang.text.keras.errors import SettingTypeError
from munjang.text.keras.index import KerasColumns, MapParts, WordIds
from munjang.text.keras.rules import NO_COLUMN, Counted, Counts
from munjang.text.segmentation.counting import TypeCounts, merge_counts

DICTIONARIES = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


class LearnedWords:
    """The learned state of a Keras tokenizer. Its dictionaries may be changed or replaced.

    Attributes:
        num_words: ids from here on are not used; None or 0 for no limit.
        oov_token: token with id 1, or None.
        min_frequency: rarer words get no id.
        document_count: number of fitted texts.
    """

    def __init__(
        self, num_words: float | None, oov_token: Any, min_frequency: int, document_count: int
    ) -> None:
        if num_words is not None and not isinstance(num_words, Real):
            raise SettingTypeError(f"num_words must be a number or None; it is {num_words!r}")
        if not isinstance(min_frequency, int) or min_frequency < 1:
            raise ConfigError(f"min_frequency must be at least 1; it is {min_frequency!r}")
        self.num_words: float | None = num_words
        self.oov_token = oov_token
        self.min_frequency = min_frequency
        self.document_count = document_count
        self._columns: KerasColumns | None = None
        # The word_index that the ids were taken from, to detect changes.
        self._ids: tuple[dict[Any, int], WordIds | None] | None = None

    @cached_property
    def word_counts(self) -> OrderedDict[Any, int]:
        """Count of each word, by first appearance."""
        return self._columns.word_counts() if self._columns else OrderedDict()

    @cached_property
    def word_docs(self) -> dict[Any, int]:
        """Number of texts that hold each word."""
        return self._columns.word_docs() if self._columns else defaultdict(int)

    @cached_property
    def word_index(self) -> dict[Any, int]:
        """Ids by word, from 1, the most frequent first, ties by first appearance."""
        if self._columns is None:
            return {}
        index = self._columns.word_index()
        self._ids = (dict(index), self._columns.word_ids)
        return index

    @cached_property
    def index_word(self) -> dict[int, Any]:
        """Words by id."""
        return self._columns.index_word() if self._columns else {}

    @cached_property
    def index_docs(self) -> dict[int, int]:
        """Number of texts that hold the word of each id."""
        return self._columns.index_docs() if self._columns else defaultdict(int)

    @property
    def vocab_size(self) -> int:
        """Number of rows of an embedding: one more than the largest id.

        It includes the padding row 0 and the `oov_token`, and respects `num_words`.
        """
        self._require_fit()
        oov = 0 if self.oov_token is None else self.word_index.get(self.oov_token, 0)
        limit = self.num_words or float("inf")
        given = (number for number in self.word_index.values() if number < limit)
        return 1 + max(oov, max(given, default=0))

    def _require_fit(self) -> None:
        if not self.document_count and not self.word_index:
            raise NotFittedError("this tokenizer is not fitted: call fit_on_texts first")

    def _learn(self, parts: Sequence[Counts]) -> None:
        """Add the counts of some texts, and assign all ids again."""
        first_time = not (self._columns or self.word_counts or self.index_docs)
        columns = [part for part in parts if isinstance(part, TypeCounts)]
        if first_time and columns and len(columns) == len(parts):
            for name in DICTIONARIES:
                self.__dict__.pop(name, None)
            self._ids = None
            self._columns = KerasColumns(merge_counts(columns), self.oov_token, self.min_frequency)
            return
        counts, documents, index_docs = self.word_counts, self.word_docs, self.index_docs
        for word, count, texts in _each(parts):
            counts[word] = counts.get(word, 0) + count
            documents[word] = documents.get(word, 0) + texts
        self._number(counts, documents, index_docs)

    def _number(
        self, counts: dict[Any, int], documents: dict[Any, int], index_docs: dict[int, int]
    ) -> None:
        words = sorted(counts.items(), key=lambda item: item[1], reverse=True)
        kept = [word for word, count in words if count >= self.min_frequency]
        numbered = kept if self.oov_token is None else [self.oov_token, *kept]
        self._columns = None
        self.word_index = dict(zip(numbered, range(1, len(numbered) + 1), strict=True))
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word in kept:
            if word in documents:
                index_docs[self.word_index[word]] = documents[word]

    def _ids_of(self, map_parts: MapParts) -> tuple[Int32s, Int64s] | None:
        """Return ids [tokens] and row offsets [rows + 1]; None if columns cannot hold them."""
        words = self._word_ids()
        if words is None:
            return None
        oov = None if self.oov_token is None else words.id_of(self.oov_token)
        if oov is None and self.oov_token is not None:
            return None  # not fitted, or the oov_token was changed: Keras returns None as an id
        try:
            return words.encode(map_parts, num_words=self.num_words, oov=oov)
        except NO_COLUMN:
            return None

    def _word_ids(self) -> WordIds | None:
        """Return the present `word_index` for columns; None if columns cannot hold it."""
        if "word_index" not in self.__dict__ and self._columns is not None:
            return self._columns.word_ids
        if self._ids is None or self._ids[0] != self.word_index:
            self._ids = (dict(self.word_index), WordIds.of_index(self.word_index))
        return self._ids[1]

    def _seen(self, parts: Sequence[Counts]) -> ValidationTypes:
        """Match the words of other texts to the fitted ones."""
        columns = [part for part in parts if isinstance(part, TypeCounts)]
        if self._columns is not None and columns and len(columns) == len(parts):
            return match_types(self._columns.counts, merge_counts(columns))
        places = {word: place for place, word in enumerate(self.word_counts)}
        counted = list(_each(parts))
        return ValidationTypes(
            places=np.array([places.get(word, -1) for word, _, _ in counted], dtype=np.int64),
            counts=np.array([count for _, count, _ in counted], dtype=np.int64),
        )


def _each(parts: Sequence[Counts]) -> Iterable[Counted]:
    for part in parts:
        if isinstance(part, TypeCounts):
            words, counts = part.types.to_list(), part.counts.tolist()
            yield from zip(words, counts, part.documents.tolist(), strict=True)
        else:
            yield from part
