"""Networks whose logits are averaged."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.export.hf.modelling.base import PAD, Tokens
from munjang.export.hf.modelling.embedding import hash_ngrams
from munjang.export.hf.modelling.head import NETWORKS, Head


class Ensemble(nn.Module):
    """The mean logits of several networks of one kind (Lakshminarayanan et al. 2017)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.networks = nn.ModuleList(Head(config) for _ in range(config.ensemble_size))

    def forward(self, tokens: Tokens) -> Tensor:
        """Return logits [batch, outputs]."""
        return torch.stack([network(tokens) for network in self.networks]).mean(0)


class TfidfLinear(nn.Module):
    """A linear model of the n-grams of a text, weighted by their inverse document frequency.

    The features of a row are divided by their norm.
    """

    idf: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.tokens, self.ngrams = config.vocab_size, config.linear_ngrams
        self.buckets = config.linear_buckets if self.ngrams > 1 else 0
        terms = self.tokens + self.buckets
        self.register_buffer("idf", torch.zeros(terms))
        self.weight = nn.Parameter(torch.zeros(terms, config.outputs))
        self.bias = nn.Parameter(torch.zeros(config.outputs))

    def forward(self, tokens: Tokens) -> Tensor:
        """Return logits [batch, outputs]."""
        terms = tokens.ids
        if self.ngrams > 1:
            hashes = hash_ngrams(tokens.ids, tokens.lengths, self.ngrams, self.buckets)
            rows = torch.where(hashes >= 0, hashes + self.tokens, PAD)
            terms = torch.cat([terms, rows.flatten(1)], dim=1)
        values = F.normalize(self.idf[terms], dim=1, eps=1e-9)
        return (
            F.embedding_bag(terms, self.weight, mode="sum", per_sample_weights=values) + self.bias
        )


class LinearEnsemble(nn.Module):
    """The weighted mean of the logits of a network, or an ensemble, and of a linear model."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.network = Ensemble(config) if config.ensemble_size > 1 else Head(config)
        self.linear = TfidfLinear(config)
        self.linear_weight = config.linear_weight

    def forward(self, tokens: Tokens) -> Tensor:
        """Return logits [batch, outputs]."""
        return torch.lerp(self.network(tokens), self.linear(tokens), self.linear_weight)


NETWORKS |= {"ensemble": Ensemble, "linear_ensemble": LinearEnsemble}
