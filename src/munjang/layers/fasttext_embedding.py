"""Character n-grams as fastText and gensim read them, for words out of the vocabulary.

Bojanowski, Grave, Joulin and Mikolov (2017), "Enriching word vectors with subword information". The
vector of a word is the mean of its own row and those of its n-grams. Known words have that mean as
their row in the table of tokens, so that n-grams are looked up for other words alone: theirs is the
mean of their n-grams.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.fasttext_ngrams import Int64s, hash_as_fasttext
from munjang.layers.subword_table import SubwordTable
from munjang.layers.subword_units import UNITS, SubwordUnits
from munjang.text.vocabulary import PAD, RESERVED

# n-grams of two letters are shared by too many words to be of use
MIN_N = 3
_CHUNK = 8192  # words hashed at once
_COUNT_CELLS = 2**24  # to count distinct n-grams in


class FastTextEmbedding(SubwordTable):
    """The mean of the rows of a word's character n-grams, for words out of the vocabulary alone.

    Args:
        vocabulary_size: number of ids, PAD included.
        dim: width of a vector.
        settings: the named arguments of `SubwordTable`.
    """

    oov_ngram_rows: Tensor

    def __init__(self, vocabulary_size: int, dim: int, **settings: Any) -> None:
        super().__init__(vocabulary_size, dim, **settings)
        # not saved, since other texts have others
        empty = torch.zeros((0, 1), dtype=torch.int32)
        self.register_buffer("oov_ngram_rows", empty, persistent=False)

    @classmethod
    def count_ngrams(cls, tokens: Sequence[str], max_n: int, units: SubwordUnits) -> int:
        """Return the number of distinct n-grams of the vocabulary; those in one cell count once."""
        seen = np.zeros(_COUNT_CELLS, dtype=np.bool_)
        for start in range(len(RESERVED), len(tokens), _CHUNK):
            words = cut_words(tokens[start : start + _CHUNK], units)
            seen[hash_as_fasttext(words, MIN_N, max_n, _COUNT_CELLS)[1]] = True
        return int(np.count_nonzero(seen))

    def fit(self, tokens: Sequence[str]) -> None:
        """Do nothing: n-grams of known words are not looked up."""

    def index(self, tokens: Sequence[str]) -> None:
        """Do nothing, likewise."""

    def has_valid_rows(self) -> bool:
        """Return True: no row number comes from a file."""
        return True

    def ngrams_of(self, words: Sequence[str]) -> tuple[Int64s, Int64s]:
        """Return word and bucket of each n-gram, as `hash_as_fasttext`; its row is bucket + 1."""
        buckets = len(self.weight) - 1
        return hash_as_fasttext(cut_words(words, self.units), MIN_N, self.max_n, buckets)

    def set_oov_words(self, words: Sequence[str]) -> None:
        """Set the out-of-vocabulary words, whose ids follow those of the vocabulary."""
        device = self.oov_ngram_rows.device
        self.oov_ngram_rows = torch.from_numpy(self._rows(words)).to(device)

    def _rows(self, words: Sequence[str]) -> np.ndarray:
        """Return the row numbers of the n-grams of each word, [words, most n-grams] int32."""
        if not words:
            return np.zeros((0, 1), dtype=np.int32)
        word_of, buckets = self.ngrams_of(words)
        place = np.arange(len(word_of)) - np.searchsorted(word_of, word_of)
        table = np.full((len(words), 1 + int(place.max(initial=0))), PAD, dtype=np.int32)
        table[word_of, place] = 1 + buckets
        return table

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors [batch, time, dim] of `ids` [batch, time]; zeros for known ids."""
        flat = ids.flatten()
        size, words = self.vocabulary_size, self.oov_ngram_rows
        if not len(words):
            return self.weight.new_zeros(*ids.shape, self.weight.shape[1])
        rows = words[(flat - size).clamp(min=0)].long().masked_fill(flat[:, None] < size, PAD)
        counts = (rows != PAD).sum(1, keepdim=True).clamp(min=1)
        return (sum_rows(self.weight, rows) / counts).view(*ids.shape, -1)


def cut_words(words: Sequence[str], units: SubwordUnits) -> list[str]:
    """Return words as strings of one letter per unit, whose n-grams are those of the units."""
    cut = UNITS[units]
    return ["".join(map(chr, cut(word))) for word in words]
