"""Linear model on TF-IDF of hashed n-grams, one part of an ensemble with a network.

"Wide and deep learning" (Cheng et al. 2016) trains both together. Here the linear model is solved
alone, before the network's first step: its loss is convex, it makes other errors than a network,
and the ensemble makes fewer than either.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.hashing import hash_ngrams
from munjang.layers.ngram_rows import spread_ngrams
from munjang.text.vocabulary import OOV, PAD

# From features [texts, terms] (scipy's CSR) and targets to weights [outputs, terms], bias [outputs]
Solve = Callable[[Any, npt.NDArray[Any]], tuple[npt.NDArray[Any], npt.NDArray[Any]]]

# An n-gram of a single training text says nothing about other texts.
_FEWEST_TEXTS = 2


class TfidfLinear(nn.Module):
    """Logits from the n-grams of a text, single tokens included.

    Every n-gram is weighted by its inverse document frequency
    log((1 + texts) / (1 + texts with it)) + 1; the features of a text are divided by their norm.
    The weights are solved once (`fit`) and never trained.

    Args:
        vocabulary_size: number of ids, PAD included; ids beyond it count as OOV.
        outputs: number of logits.
        ngrams: the largest n.
        buckets: number of terms that n-grams of two tokens or more share by hashing.
    """

    idf: Tensor

    def __init__(self, vocabulary_size: int, outputs: int, *, ngrams: int, buckets: int) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.ngrams = ngrams
        terms = vocabulary_size + (buckets if ngrams > 1 else 0)
        self.register_buffer("idf", torch.zeros(terms))
        self.weight = nn.Parameter(torch.zeros(terms, outputs), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return logits [batch, outputs] of `ids` and `mask` [batch, time]."""
        terms = self._terms(ids, mask)
        values = self._values(terms)
        return (
            F.embedding_bag(terms, self.weight, mode="sum", per_sample_weights=values) + self.bias
        )

    def token_shares(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return what each token gives to the logits, [batch, time, outputs].

        The sum over time plus the bias is `forward`. An n-gram is divided evenly among its tokens.

        Args:
            ids: [batch, time].
            mask: [batch, time], True = real token.
        """
        terms = self._terms(ids, mask)
        shares = self._values(terms)[..., None] * self.weight[terms]
        return spread_ngrams(shares.view(*ids.shape, self.ngrams, -1))

    def _terms(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the terms of each text, [batch, time x ngrams]; PAD = no term."""
        ids = ids.masked_fill(ids >= self.vocabulary_size, OOV) * mask  # PAD is 0
        if self.ngrams == 1:
            return ids
        buckets = len(self.idf) - self.vocabulary_size
        hashed = hash_ngrams(ids, mask.sum(1), self.ngrams, buckets)
        pairs = torch.where(hashed >= 0, hashed + self.vocabulary_size, PAD)
        return torch.cat([ids[..., None], pairs], dim=-1).flatten(1)

    def _values(self, terms: Tensor) -> Tensor:
        """Return the value of each term, [batch, terms]: a row has norm 1, or is zero."""
        idf = self.idf[terms]
        norm: Tensor = torch.linalg.vector_norm(idf, dim=1, keepdim=True)
        return idf / norm.clamp(min=1e-9)

    @torch.no_grad()
    def fit(
        self,
        batches: Iterable[tuple[Tensor, Tensor, Tensor]],
        targets: npt.NDArray[Any],
        solve: Solve,
    ) -> None:
        """Count the terms of the training texts and solve for the weights.

        Args:
            batches: ids and mask [batch, time], and the row numbers of the texts [batch].
            targets: targets by row number.
            solve: function of the task from features and targets to weights and bias.
        """
        parts = [(self._terms(ids, mask), rows) for ids, mask, rows in batches]
        texts = torch.cat([rows[:, None].expand_as(terms).flatten() for terms, rows in parts])
        terms = torch.cat([terms.flatten() for terms, _ in parts])
        # a term counts once per text; one integer holds text and term
        is_term = terms != PAD
        pairs = torch.unique(texts[is_term] * len(self.idf) + terms[is_term])
        frequencies = torch.bincount(pairs % len(self.idf), minlength=len(self.idf))
        idf = torch.log((1 + len(targets)) / (1 + frequencies)) + 1
        self.idf.copy_(idf.masked_fill(frequencies < _FEWEST_TEXTS, 0.0))
        self.idf[PAD] = 0.0
        values = torch.cat([self._values(terms).flatten() for terms, _ in parts])
        # most columns are empty, and need not be solved for
        columns = self.idf.nonzero()[:, 0]
        features = _sparse(texts, terms, values, (len(targets), len(self.idf)))
        weights, bias = solve(features[:, columns.numpy()], targets)
        self.weight[columns] = torch.from_numpy(weights.T.astype(np.float32))
        self.bias.copy_(torch.from_numpy(bias))

    def extra_repr(self) -> str:
        """Return the sizes, for `print(module)`."""
        return f"ngrams={self.ngrams}, terms={len(self.idf)}, outputs={len(self.bias)}"


def _sparse(texts: Tensor, terms: Tensor, values: Tensor, shape: tuple[int, int]) -> Any:
    """Return the features as a CSR matrix, `shape` [texts, terms]; repeated terms are summed."""
    from scipy.sparse import csr_matrix

    is_set = values > 0
    places = (texts[is_set].numpy(), terms[is_set].numpy())
    return csr_matrix((values[is_set].double().numpy(), places), shape=shape)
