"""Convolutions of several widths, then the maximum over time.

Paper: Kim (2014), "Convolutional neural networks for sentence classification". Use when short
patterns decide (sentiment, topics, questions) and a CPU must answer at once. Use `lstm` instead
when what comes early changes what comes late.
"""

from typing import Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from munjang.config import WIDEST
from munjang.layers.activations import RISING, Activation, activation
from munjang.layers.convolution import Convolutions
from munjang.layers.dropout import Dropout
from munjang.layers.highest import highest
from munjang.layers.embedding import hashed_row
from munjang.layers.pooling import Pooling
from munjang.models.encoder import (
    Encoded,
    PoolingNames,
    WideConfig,
    bag_embedding,
    beside,
    pooling_field,
    token_embedding,
)
from munjang.models.shares import DropoutShare

_MOST_WIDTHS, _WIDEST = 64, 1024


class CnnConfig(WideConfig):
    """Settings of `cnn`."""

    name: Literal["cnn"] = "cnn"
    widths: tuple[int, ...] = Field((3, 4, 5), description="tokens that each filter looks at")
    filters: int = Field(100, ge=1, le=WIDEST, description="filters of each width")
    activation: Activation = Field("relu", description="after the convolution")
    pooling: PoolingNames = pooling_field()
    embedding_dropout: DropoutShare = Field(0.2, description="dropped share of the embedding")
    dropout: DropoutShare = Field(0.5, description="dropped share of the pooled vector")

    @field_validator("widths")
    @classmethod
    def _positive(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if not widths or min(widths) < 1:
            raise ValueError("widths are one or more whole numbers from 1 up")
        if len(widths) > _MOST_WIDTHS or max(widths) > _WIDEST:
            raise ValueError(f"widths are at most {_MOST_WIDTHS} whole numbers up to {_WIDEST}")
        return widths


class Cnn(nn.Module):
    """Filters of several widths over token vectors, pooled over real tokens only."""

    def __init__(self, config: CnnConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = token_embedding(config, vocabulary_size)
        self.bag = bag_embedding(config, vocabulary_size)
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.convolutions = Convolutions(config.dim, config.filters, config.widths)
        self.activation = activation(config.activation)
        self.pooling = Pooling(config.pooling, config.filters * len(config.widths))
        self.highest_first = config.pooling == "max" and config.activation in RISING
        self.each_alone = config.activation != "softmax"  # which looks at all filters of a width
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """`ids`, `mask` [batch, time] to `states` [batch, time, filters x widths] and `pooled`.

        In training the states are not built where the maximum can be taken before the activation.
        Where `attention` pools, its weights [batch, 1, 1, time] are `attention`.
        """
        row = hashed_row(ids, mask, self.embedding, self.bag)
        vectors = self.embedding_dropout(self.embedding(ids, mask, row))
        if self.training and self.highest_first:
            pooled = self.activation(highest(self.convolutions.layers(), vectors, mask))
            return Encoded(beside(self.dropout(pooled), self.bag, ids, mask, row), mask=mask)
        if torch.is_grad_enabled() or not self.each_alone:
            maps = [self.activation(convolve(vectors)) for convolve in self.convolutions]
            states = torch.cat(maps, dim=-1)
        else:
            states = self.activation(self.convolutions.side_by_side(vectors))
        pooled, attention = self.pooling(states, mask)
        pooled = beside(self.dropout(pooled), self.bag, ids, mask, row)
        return Encoded(pooled, mask=mask, states=states, attention=attention)
