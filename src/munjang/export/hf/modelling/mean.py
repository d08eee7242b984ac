"""Averaged token vectors (Joulin et al. 2017, "Bag of tricks for text classification")."""

from typing import Any

from torch import Tensor, nn

from munjang.export.hf.modelling.base import Tokens
from munjang.export.hf.modelling.embedding import make_embedding


class Encoder(nn.Module):
    """The sum of the token vectors of each row, divided by their number or by its root."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.embedding = make_embedding(config.embedding)
        self.combiner = config.combiner
        self.states_dim = self.pooled_dim = config.embedding["dim"]

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Return token vectors [batch, time, dim] and pooled vectors [batch, dim]."""
        vectors = self.embedding(tokens)
        count = tokens.lengths.clamp(min=1)[:, None]
        pooled = vectors.sum(1) / (count if self.combiner == "mean" else count.sqrt())
        return vectors, pooled
