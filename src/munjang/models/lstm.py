"""Long short-term memory, in one direction or two.

Papers: Hochreiter and Schmidhuber (1997), "Long short-term memory"; Graves and Schmidhuber (2005)
for two directions. Use when word order and distance matter, and a few milliseconds more a text
are fine. Use `cnn` instead when short patterns decide.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from munjang.layers.dropout import Dropout
from munjang.layers.pooling import Pooling, pool, pooled_dim
from munjang.layers.recurrent import StackedLSTM
from munjang.models.encoder import Encoded, WideConfig, bag_embedding, beside, token_embedding


class LstmConfig(WideConfig):
    """Settings of `lstm`."""

    name: Literal["lstm"] = "lstm"
    hidden: int = Field(128, ge=1, description="width of one direction's hidden state")
    layers: int = Field(1, ge=1, description="layers on one another")
    directions: Literal[1, 2] = Field(2, description="1 = left to right, 2 = both ways")
    pooling: Pooling = Field("max", description="over time: max, mean, last, max+mean")
    embedding_dropout: float = Field(0.2, ge=0, lt=1, description="dropped share of the embedding")
    dropout: float = Field(0.3, ge=0, lt=1, description="between layers and of the pooled vector")


class Lstm(nn.Module):
    """Stacked LSTM layers over token vectors, pooled over real tokens only."""

    def __init__(self, config: LstmConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = token_embedding(config, vocabulary_size)
        self.bag = bag_embedding(config, vocabulary_size)
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.recurrent = StackedLSTM(
            config.dim,
            config.hidden,
            layers=config.layers,
            directions=config.directions,
            dropout=config.dropout,
        )
        self.pooling = config.pooling
        self.directions = config.directions
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = (
            pooled_dim(config.hidden * config.directions, config.pooling) + config.bag_dim
        )

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """`ids`, `mask` [batch, time] to `states` [batch, time, hidden x directions], `pooled`."""
        vectors = self.embedding_dropout(self.embedding(ids, mask))
        states = self.recurrent(vectors, mask)
        pooled = self.dropout(pool(states, mask, self.pooling, directions=self.directions))
        return Encoded(beside(pooled, self.bag, ids, mask), mask=mask, states=states)
