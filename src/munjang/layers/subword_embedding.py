"""Subword embeddings: hashed character n-grams of each token.

"Enriching word vectors with subword information" (Bojanowski et al. 2017): words that share a stem
or an ending share rows, so that rare words profit from related ones. The vocabulary is fixed before
training, so the n-grams of every token are hashed once and kept as a table of row numbers.
Out-of-vocabulary words have ids beyond the vocabulary, and a table of their own that lasts as long
as the texts that contain them.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.layers.fast.bits import are_set_by_numpy, pack_bits
from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.hashing import hash_ngrams_by_numpy
from munjang.layers.subword_table import SubwordTable
from munjang.layers.subword_units import UNITS, SubwordUnits
from munjang.text.vocabulary import PAD
from munjang.text.vocabulary import RESERVED as RESERVED_TOKENS

RESERVED = len(RESERVED_TOKENS)

# n-grams kept per token, from its beginning: all of a word of thirteen letters
MAX_NGRAMS = 40
# n-grams of two letters are shared by too many words to be of use
MIN_N = 3
# Ids of the boundaries of a token; letters are their code points plus 3. Not 0, since a hash that
# begins with zeros does not depend on their number.
_BEGIN, _END = 1, 2

_FEW = 64  # up to this many tokens, finding the distinct ones takes longer than it saves
_CHUNK = 8192  # tokens hashed at once

# Cells to count n-grams in. One bit of each is saved with the weights: half a megabyte.
_COUNT_CELLS = 2**22


class SubwordEmbedding(SubwordTable):
    """The sum of the rows of a token's character n-grams, divided by the root of their number.

    Args:
        vocabulary_size: number of ids, PAD included.
        dim: width of a vector.
        settings: the named arguments of `SubwordTable`.
    """

    computed_buffers: ClassVar = ("ngram_rows",)
    bitmap: ClassVar = "shared"
    ngram_rows: Tensor
    shared: Tensor
    oov_ngram_rows: Tensor

    def __init__(self, vocabulary_size: int, dim: int, **settings: Any) -> None:
        super().__init__(vocabulary_size, dim, **settings)
        empty = torch.full((vocabulary_size, MAX_NGRAMS), PAD, dtype=torch.int32)
        self.register_buffer("ngram_rows", empty)
        # a bit per cell: True if at least two tokens have the n-gram
        self.register_buffer("shared", torch.zeros(_COUNT_CELLS // 8, dtype=torch.uint8))
        # of out-of-vocabulary words; not saved, since other texts have others
        self.register_buffer("oov_ngram_rows", empty[:0].clone(), persistent=False)

    @classmethod
    def count_ngrams(cls, tokens: Sequence[str], max_n: int, units: SubwordUnits) -> int:
        """Return the number of distinct n-grams that at least two tokens share."""
        return int(np.count_nonzero(_count_owners(tokens[RESERVED:], max_n, units) > 1))

    def fit(self, tokens: Sequence[str]) -> None:
        """Give a row to the n-grams that at least two tokens have, and `index` every token.

        An n-gram of a single token is left out: it adds nothing to the token's own row.

        Args:
            tokens: the vocabulary, [size] strings in the order of their ids.
        """
        seen = _count_owners(tokens[RESERVED:], self.max_n, self.units)
        self.shared.copy_(pack_bits(torch.from_numpy(seen > 1)))
        self.index(tokens)

    def index(self, tokens: Sequence[str]) -> None:
        """Compute `ngram_rows`: the rows of the n-grams of every token that `shared` has."""
        self.ngram_rows[RESERVED:] = self._rows(tokens[RESERVED:])

    def rows_of_cells(self) -> np.ndarray:
        """Return the row of each cell that n-grams are counted in, [cells]."""
        return 1 + np.arange(_COUNT_CELLS) % (len(self.weight) - 1)

    def has_valid_rows(self) -> bool:
        """Return whether all `ngram_rows`, which come from a file, are rows of the weights."""
        if not self.ngram_rows.numel():
            return True
        return bool(self.ngram_rows.min() >= 0) and bool(self.ngram_rows.max() < len(self.weight))

    def set_oov_words(self, words: Sequence[str]) -> None:
        """Set the out-of-vocabulary words, whose ids follow those of the vocabulary.

        They have the n-grams that at least two tokens of the vocabulary share. Words set before
        are replaced.
        """
        self.oov_ngram_rows = self._rows(words)

    def _rows(self, words: Sequence[str]) -> Tensor:
        """Return the row numbers of the n-grams of each word, [words, MAX_NGRAMS]."""
        if not words:
            return self.ngram_rows[:0]
        shared = self.shared.cpu()
        table = np.full((len(words), MAX_NGRAMS), PAD, dtype=np.int32)
        for start in range(0, len(words), _CHUNK):
            cells = _ngrams(words[start : start + _CHUNK], self.max_n, self.units)
            cells[~are_set_by_numpy(shared, cells)] = -1
            row, gram = _row_and_gram(cells)
            place = np.arange(len(row)) - np.searchsorted(row, row)
            kept = place < MAX_NGRAMS
            table[start + row[kept], place[kept]] = 1 + gram[kept] % (len(self.weight) - 1)
        return torch.from_numpy(table).to(self.ngram_rows.device)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors [batch, time, dim] of `ids` [batch, time]; zeros for reserved ids."""
        if ids.numel() <= _FEW:
            return self._vectors(ids.flatten()).view(*ids.shape, -1)
        # a token that occurs ten times in the batch is computed once
        types, places = torch.unique(ids, return_inverse=True)
        return F.embedding(places, self._vectors(types))

    def _vectors(self, ids: Tensor) -> Tensor:
        """Return the vectors [tokens, dim] of `ids` [tokens]."""
        grams = self._ngram_rows_of(ids)
        # their number grows with the word; divided by its root, long and short words weigh alike
        spread = (grams != PAD).sum(1, keepdim=True).clamp(min=1).sqrt()
        return sum_rows(self.weight, grams) / spread

    def _ngram_rows_of(self, ids: Tensor) -> Tensor:
        """Return the row numbers of the n-grams of `ids` [tokens], [tokens, MAX_NGRAMS] int64."""
        if not len(self.oov_ngram_rows):
            return self.ngram_rows[ids].long()
        size = len(self.ngram_rows)
        grams = self.ngram_rows[torch.where(ids < size, ids, PAD)].long()
        unknown = ids >= size
        grams[unknown] = self.oov_ngram_rows[ids[unknown] - size].long()
        return grams


def _count_owners(tokens: Sequence[str], max_n: int, units: SubwordUnits) -> np.ndarray:
    """Return the number of tokens that have each n-gram, [cells] int32."""
    seen = np.zeros(_COUNT_CELLS, dtype=np.int32)
    for start in range(0, len(tokens), _CHUNK):
        cells = _ngrams(tokens[start : start + _CHUNK], max_n, units)
        # an n-gram that a token has twice counts once
        _, gram = np.unique(np.stack(_row_and_gram(cells)), axis=1)
        grams, owners = np.unique(gram, return_counts=True)
        seen[grams] += owners.astype(np.int32)
    return seen


def _ngrams(tokens: Sequence[str], max_n: int, units: SubwordUnits = "letters") -> np.ndarray:
    """Hash all n-grams of the tokens, [tokens, places]; -1 = no n-gram."""
    cut = UNITS[units]
    points = [
        [_BEGIN, *(point + 3 for point in cut(token[:MAX_NGRAMS])[:MAX_NGRAMS]), _END]
        for token in tokens
    ]
    lengths = np.array([len(p) for p in points])
    width = int(lengths.max())
    ids = np.array([p + [0] * (width - len(p)) for p in points], dtype=np.int64)
    cells = hash_ngrams_by_numpy(ids, lengths, max_n, _COUNT_CELLS)[..., MIN_N - 2 :]
    return cells.reshape(len(tokens), -1)


def _row_and_gram(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row, place = np.nonzero(cells >= 0)
    return row, cells[row, place]
