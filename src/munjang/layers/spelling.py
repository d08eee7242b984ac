"""What a word's letters say of it: hashed character n-grams of its own spelling.

"Enriching word vectors with subword information" (Bojanowski et al. 2017): words that share a stem
or an ending share rows, so that a word seen twice knows what its kin have learned. Here the
vocabulary is fixed before training, hence every token's n-grams are found once and kept as a table
of row numbers. Words out of vocabulary have ids behind the vocabulary's, and a table of their own
that lasts as long as the texts that they stand in.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.bits import are_set_by_numpy, packed
from munjang.layers.hashing import hash_ngrams_by_numpy
from munjang.layers.rows import sum_rows
from munjang.text.vocabulary import PAD
from munjang.text.vocabulary import RESERVED as RESERVED_TOKENS

RESERVED = len(RESERVED_TOKENS)

# n-grams kept of a token, from its beginning: all of a word of thirteen letters
MOST = 40
# n-grams of two letters are shared by so many words that they say nothing of any
SHORTEST = 3
# What stands for the ends of a token; letters are their code points and 3 more. No 0, since a hash
# that begins with zeros forgets how many.
_BEGIN, _END = 1, 2

_FEW = 64  # so many tokens are spelled sooner than the distinct ones are found
_AT_ONCE = 8192  # tokens whose n-grams are found in one piece
# Places to count n-grams in. A bit of each travels with the weights: half a megabyte.
_COUNTED = 2**22


class Spelling(nn.Module):
    """The sum of the rows of a token's character n-grams, over the root of their number.

    Args:
        vocabulary_size: number of ids, PAD included.
        dim: width of a vector.
        longest: the largest n of the n-grams, 3 at least.
        buckets: rows that all n-grams share by hashing.
        std: of a row's numbers at the beginning.
    """

    embedding_tables: ClassVar = ("weight",)
    grams: Tensor
    shared: Tensor
    unknown: Tensor

    def __init__(
        self, vocabulary_size: int, dim: int, *, longest: int, buckets: int, std: float
    ) -> None:
        super().__init__()
        self.longest = longest
        self.std = std
        # row 0 is PAD and stays zero: places of `grams` without an n-gram name it
        self.weight = nn.Parameter(torch.empty(1 + buckets, dim))
        self.register_buffer("grams", torch.full((vocabulary_size, MOST), PAD, dtype=torch.int32))
        # a bit for each n-gram: whether two tokens or more have it
        self.register_buffer("shared", torch.zeros(_COUNTED // 8, dtype=torch.uint8))
        # of words out of vocabulary; not saved, since other texts have others
        self.register_buffer("unknown", self.grams[:0].clone(), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Normal; PAD zero."""
        nn.init.normal_(self.weight, std=self.std)
        with torch.no_grad():
            self.weight[PAD] = 0.0

    def learn(self, tokens: Sequence[str]) -> None:
        """Find the n-grams of every token, [vocabulary size] strings in the order of their ids.

        An n-gram of one token only is left out: it says no more than the token's own row.
        """
        own = list(tokens[RESERVED:])
        seen = np.zeros(_COUNTED, dtype=np.int32)
        for start in range(0, len(own), _AT_ONCE):
            found = _ngrams(own[start : start + _AT_ONCE], self.longest)
            # an n-gram that a token has twice counts once
            _, gram = np.unique(np.stack(_row_and_gram(found)), axis=1)
            grams, owners = np.unique(gram, return_counts=True)
            seen[grams] += owners.astype(np.int32)
        self.shared.copy_(packed(torch.from_numpy(seen > 1)))
        self.grams[RESERVED:] = self._rows(own)

    def names_own_rows(self) -> bool:
        """Whether all of `grams`, for which a file may have any numbers, are rows of weights."""
        if not self.grams.numel():
            return True
        return bool(self.grams.min() >= 0) and bool(self.grams.max() < len(self.weight))

    def spell(self, words: Sequence[str]) -> None:
        """Know these words out of vocabulary, whose ids follow on those of the vocabulary.

        They have the n-grams that two tokens of the vocabulary share or more. What was known of
        other words is forgotten.
        """
        self.unknown = self._rows(words)

    def _rows(self, words: Sequence[str]) -> Tensor:
        """Row numbers of the n-grams of each word, [words, MOST]."""
        if not words:
            return self.grams[:0]
        shared = self.shared.cpu()
        table = np.full((len(words), MOST), PAD, dtype=np.int32)
        for start in range(0, len(words), _AT_ONCE):
            found = _ngrams(words[start : start + _AT_ONCE], self.longest)
            found[~are_set_by_numpy(shared, found)] = -1
            row, gram = _row_and_gram(found)
            place = np.arange(len(row)) - np.searchsorted(row, row)
            kept = place < MOST
            table[start + row[kept], place[kept]] = 1 + gram[kept] % (len(self.weight) - 1)
        return torch.from_numpy(table).to(self.grams.device)

    def forward(self, ids: Tensor) -> Tensor:
        """`ids` [batch, time] to vectors [batch, time, dim]; zeros for reserved ids."""
        if ids.numel() <= _FEW:
            return self._spelled(ids.flatten()).view(*ids.shape, -1)
        # a token that stands in the batch ten times is spelled once
        types, places = torch.unique(ids, return_inverse=True)
        return F.embedding(places, self._spelled(types))

    def _spelled(self, ids: Tensor) -> Tensor:
        """The vector of each of `ids` [tokens], [tokens, dim]."""
        grams = self._grams(ids)
        # their number grows with the word; divided by its root, long words weigh as short ones
        spread = (grams != PAD).sum(1, keepdim=True).clamp(min=1).sqrt()
        return sum_rows(self.weight, grams) / spread

    def _grams(self, ids: Tensor) -> Tensor:
        """Row numbers of the n-grams of each of `ids` [tokens], [tokens, MOST] int64."""
        if not len(self.unknown):
            return self.grams[ids].long()
        size = len(self.grams)
        grams = self.grams[torch.where(ids < size, ids, PAD)].long()
        unknown = ids >= size
        grams[unknown] = self.unknown[ids[unknown] - size].long()
        return grams


def spelled_out(network: nn.Module, words: Sequence[str]) -> nn.Module:
    """`network`, knowing the spelling of some words out of vocabulary.

    Args:
        network: any, in which layers of `Spelling` may stand.
        words: the ids from the size of the vocabulary up, in order.

    Returns:
        A copy that shares all weights, so that others may ask the same network meanwhile; the
        network itself where there is nothing to know.
    """
    return _knowing(network, words) if words else network


def _knowing(module: nn.Module, words: Sequence[str]) -> nn.Module:
    """The module itself, or a copy of what leads to a `Spelling`."""
    inside = dict(module._modules)
    for name, child in module._modules.items():
        if child is not None and (child._modules or isinstance(child, Spelling)):
            inside[name] = _knowing(child, words)
    changed = any(child is not module._modules[name] for name, child in inside.items())
    if not changed and not isinstance(module, Spelling):
        return module
    # shallow: weights are shared, and so are the dictionaries of them; `copy.copy` would ask more
    copied = object.__new__(type(module))
    copied.__dict__ = {**module.__dict__, "_modules": inside}
    if isinstance(copied, Spelling):
        copied.__dict__["_buffers"] = dict(module._buffers)
        copied.spell(words)
    return copied


def _ngrams(tokens: Sequence[str], longest: int) -> np.ndarray:
    """Numbers of all n-grams, [tokens, places], -1 where there is none."""
    points = [[_BEGIN, *(ord(letter) + 3 for letter in token[:MOST]), _END] for token in tokens]
    lengths = np.array([len(p) for p in points])
    width = int(lengths.max())
    ids = np.array([p + [0] * (width - len(p)) for p in points], dtype=np.int64)
    found = hash_ngrams_by_numpy(ids, lengths, longest, _COUNTED)[..., SHORTEST - 2 :]
    return found.reshape(len(tokens), -1)


def _row_and_gram(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row, place = np.nonzero(found >= 0)
    return row, found[row, place]
