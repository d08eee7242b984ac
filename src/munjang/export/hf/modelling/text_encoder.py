"""Base of encoders that pool states."""

from typing import Any

import torch
from torch import Tensor, nn

from munjang.export.hf.modelling.base import Tokens
from munjang.export.hf.modelling.embedding import make_embedding
from munjang.export.hf.modelling.pooling import Pooling


class TextEncoder(nn.Module):
    """Token vectors to one state per token, and to one pooled vector per row.

    With a bag of n-grams, their sum over the row, divided by the root of its length, is appended to
    the pooled vector. A subclass implements `states`.

    Args:
        config: content of config.json.
        states_dim: width of a state.
        directions: as of `Pooling`.
    """

    def __init__(self, config: Any, states_dim: int, directions: int = 1) -> None:
        super().__init__()
        self.embedding = make_embedding(config.embedding)
        self.bag = None if config.bag is None else make_embedding(config.bag)
        self.pooling = Pooling(config.pooling, states_dim, directions)
        self.states_dim = states_dim
        self.pooled_dim = self.pooling.dim + (config.bag["dim"] if config.bag else 0)

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Return states [batch, time, states_dim] and pooled vectors [batch, pooled_dim]."""
        states = self.states(tokens)
        pooled = self.transform(self.pooling(states, tokens.mask))
        if self.bag is not None:
            bag = self.bag(tokens).sum(1) / tokens.lengths.clamp(min=1).sqrt()[:, None]
            pooled = torch.cat([pooled, bag], dim=1)
        return states, pooled

    def states(self, tokens: Tokens) -> Tensor:
        """Return one state per token, [batch, time, states_dim]."""
        raise NotImplementedError

    def transform(self, pooled: Tensor) -> Tensor:
        """Return the pooled vectors as they are."""
        return pooled
