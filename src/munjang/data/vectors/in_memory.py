"""Vectors in memory, in the form of gensim's `KeyedVectors`; gensim is not needed."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from munjang.data.readers.faults import shorten
from munjang.data.vectors.block import Block, Floats, OnBad, to_vector
from munjang.errors import DataError

_BLOCK = 8192


class InMemoryVectors:
    """`VectorSource` of an object with `index_to_key` [words] and `vectors` [words, dim].

    Rows are the numbers of words, from 1.

    Raises:
        DataError: the object has no such attributes, or their shapes do not match.
    """

    def __init__(self, vectors: Any) -> None:
        self.name = f"{type(vectors).__name__} in memory"
        self.kind = "in memory"
        self.header_count: int | None = None
        if hasattr(vectors, "wv"):
            raise DataError(f"{self.name}: expected word vectors, this is a model; give its .wv")
        if not (hasattr(vectors, "index_to_key") and hasattr(vectors, "vectors")):
            raise DataError(
                "vectors: expected a path or gensim's KeyedVectors (index_to_key, vectors), got "
                f"{type(vectors).__name__}"
            )
        self._words = list(vectors.index_to_key)
        self._vectors = np.asarray(vectors.vectors)
        shape = self._vectors.shape
        if len(shape) != 2 or shape[0] != len(self._words) or not shape[1]:
            raise DataError(
                f"{self.name}: expected vectors of shape [{len(self._words)}, dim], one per word, "
                f"got {list(shape)}"
            )
        self.dim = int(shape[1])

    def blocks(self, on_bad: OnBad) -> Iterator[Block]:
        """Yield all words, some thousands at a time."""
        for start in range(0, len(self._words), _BLOCK):
            rows = range(start, min(start + _BLOCK, len(self._words)))
            kept = [row for row in rows if self._is_word(row, on_bad)]
            yield Block([self._words[row] for row in kept], _BlockVectors(self, kept))

    def vector(self, row: int) -> Floats:
        """Return the vector of the word at an index, from 0 [dim]."""
        word, values = self._words[row], self._vectors[row]
        return to_vector(values, word, file=self.name, row=row + 1)

    def _is_word(self, row: int, on_bad: OnBad) -> bool:
        word = self._words[row]
        try:
            if isinstance(word, str) and word.encode() is not None:
                return True
        except UnicodeEncodeError:
            pass
        on_bad(
            DataError(
                f"expected a word in Unicode, got {shorten(word)}", file=self.name, row=row + 1
            )
        )
        return False


class _BlockVectors:
    """Function from `i` to the vector of the i-th kept word of a block."""

    def __init__(self, source: InMemoryVectors, rows: list[int]) -> None:
        self.source = source
        self.rows = rows

    def __call__(self, number: int) -> Floats:
        return self.source.vector(self.rows[number])
