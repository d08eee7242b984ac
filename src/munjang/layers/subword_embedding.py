"""Subword embeddings: hashed character n-grams of each token.

"Enriching word vectors with subword information" (Bojanowski et al. 2017): words that share a stem
or an ending share rows, so that rare words profit from related ones. The vocabulary is fixed before
training, so the n-grams of every token are hashed once and kept as a table of row numbers.
Out-of-vocabulary words have ids beyond the vocabulary, and a table of their own that lasts as long
as the texts that contain them.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.fast.bits import are_set_by_numpy, pack_bits
from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.hashing import hash_ngrams_by_numpy
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
# Units of the n-grams: the letters of a token, or the jamo of its Hangul syllables.
SubwordUnits = Literal["letters", "jamo"]
# First Hangul syllable, number of syllables, and the first of each kind of jamo (The Unicode
# Standard, section 3.12). The code point before the first final consonant stands for "none".
_SYLLABLE, _SYLLABLES, _VOWELS, _FINALS = 0xAC00, 11172, 21, 28
_FIRST_LEAD, _FIRST_VOWEL, _NO_FINAL = 0x1100, 0x1161, 0x11A7

# Cells to count n-grams in. One bit of each is saved with the weights: half a megabyte.
_COUNT_CELLS = 2**22


class SubwordEmbedding(nn.Module):
    """The sum of the rows of a token's character n-grams, divided by the root of their number.

    Args:
        vocabulary_size: number of ids, PAD included.
        dim: width of a vector.
        max_n: the largest n of the n-grams, at least 3.
        buckets: number of rows that all n-grams share by hashing.
        std: standard deviation of a row's initial values.
        units: letters, or jamo: a Hangul syllable is three units, initial consonant, vowel and
            final consonant or none (Park et al. 2018, "Subword-level word vector
            representations for Korean"), so that 가다 and 간다 share n-grams.
    """

    ngram_rows: Tensor
    shared: Tensor
    oov_ngram_rows: Tensor

    embedding_tables: ClassVar = ("weight",)

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        *,
        max_n: int,
        buckets: int,
        std: float,
        units: SubwordUnits = "letters",
    ) -> None:
        super().__init__()
        self.max_n = max_n
        self.std = std
        self.units = units
        # row 0 is PAD and stays zero: unused places of `ngram_rows` name it
        self.weight = nn.Parameter(torch.empty(1 + buckets, dim))
        empty = torch.full((vocabulary_size, MAX_NGRAMS), PAD, dtype=torch.int32)
        self.register_buffer("ngram_rows", empty)
        # a bit per cell: True if at least two tokens have the n-gram
        self.register_buffer("shared", torch.zeros(_COUNT_CELLS // 8, dtype=torch.uint8))
        # of out-of-vocabulary words; not saved, since other texts have others
        self.register_buffer("oov_ngram_rows", empty[:0].clone(), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw rows from a normal distribution; PAD is zero."""
        nn.init.normal_(self.weight, std=self.std)
        with torch.no_grad():
            self.weight[PAD] = 0.0

    def fit(self, tokens: Sequence[str]) -> None:
        """Hash the n-grams of every token, [vocabulary size] strings in the order of their ids.

        An n-gram of a single token is left out: it adds nothing to the token's own row.
        """
        own = list(tokens[RESERVED:])
        seen = np.zeros(_COUNT_CELLS, dtype=np.int32)
        for start in range(0, len(own), _CHUNK):
            cells = _ngrams(own[start : start + _CHUNK], self.max_n, self.units)
            # an n-gram that a token has twice counts once
            _, gram = np.unique(np.stack(_row_and_gram(cells)), axis=1)
            grams, owners = np.unique(gram, return_counts=True)
            seen[grams] += owners.astype(np.int32)
        self.shared.copy_(pack_bits(torch.from_numpy(seen > 1)))
        self.ngram_rows[RESERVED:] = self._rows(own)

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


def with_oov_words(network: nn.Module, words: Sequence[str]) -> nn.Module:
    """Return `network` with some out-of-vocabulary words set in its subword embeddings.

    Args:
        network: any module.
        words: words of the ids from the size of the vocabulary up, in order.

    Returns:
        A copy that shares all weights, so that other threads can use the same network; the network
        itself without any words.
    """
    return _copy_with_words(network, words) if words else network


def _copy_with_words(module: nn.Module, words: Sequence[str]) -> nn.Module:
    """Copy the modules that contain a `SubwordEmbedding`; return others unchanged."""
    children = dict(module._modules)
    for name, child in module._modules.items():
        if child is not None and (child._modules or isinstance(child, SubwordEmbedding)):
            children[name] = _copy_with_words(child, words)
    has_changed = any(child is not module._modules[name] for name, child in children.items())
    if not has_changed and not isinstance(module, SubwordEmbedding):
        return module
    # shallow: weights and the dictionaries of them are shared; `copy.copy` is slower
    copied = object.__new__(type(module))
    copied.__dict__ = {**module.__dict__, "_modules": children}
    if isinstance(copied, SubwordEmbedding):
        copied.__dict__["_buffers"] = dict(module._buffers)
        copied.set_oov_words(words)
    return copied


def _ngrams(tokens: Sequence[str], max_n: int, units: SubwordUnits = "letters") -> np.ndarray:
    """Hash all n-grams of the tokens, [tokens, places]; -1 = no n-gram."""
    cut = _UNITS[units]
    points = [
        [_BEGIN, *(point + 3 for point in cut(token[:MAX_NGRAMS])[:MAX_NGRAMS]), _END]
        for token in tokens
    ]
    lengths = np.array([len(p) for p in points])
    width = int(lengths.max())
    ids = np.array([p + [0] * (width - len(p)) for p in points], dtype=np.int64)
    cells = hash_ngrams_by_numpy(ids, lengths, max_n, _COUNT_CELLS)[..., MIN_N - 2 :]
    return cells.reshape(len(tokens), -1)


def cut_letters(token: str) -> list[int]:
    """Return the code points of a token."""
    return [ord(letter) for letter in token]


def cut_jamo(token: str) -> list[int]:
    """Return the code points of a token, with three jamo for each Hangul syllable."""
    points: list[int] = []
    for point in map(ord, token):
        number = point - _SYLLABLE
        if not 0 <= number < _SYLLABLES:
            points.append(point)
            continue
        lead, rest = divmod(number, _VOWELS * _FINALS)
        vowel, final = divmod(rest, _FINALS)
        points += (_FIRST_LEAD + lead, _FIRST_VOWEL + vowel, _NO_FINAL + final)
    return points


_UNITS: dict[SubwordUnits, Callable[[str], list[int]]] = {
    "letters": cut_letters,
    "jamo": cut_jamo,
}


def _row_and_gram(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row, place = np.nonzero(cells >= 0)
    return row, cells[row, place]
