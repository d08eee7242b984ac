"""What `rnn`, `lstm` and `gru` share: all but the cell.

Each of them is a file of its own with its paper and when to use it; the settings, the bag beside
and the pooling are the same, so that comparing them compares cells.
"""

from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn

from munjang.config import DEEPEST, WIDEST
from munjang.layers.dropout import Dropout
from munjang.layers.embedding import hashed_row
from munjang.layers.pooling import Pooling
from munjang.layers.recurrent import Cell, StackedRecurrent
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


def variational_field(default: bool) -> Any:
    """The setting `variational`, whose default is not the same for all."""
    return Field(default, description="between layers, drop the same numbers at every token")


class RecurrentConfig(WideConfig):
    """Settings of every recurrent encoder."""

    hidden: int = Field(128, ge=1, le=WIDEST, description="width of one direction's hidden state")
    layers: int = Field(1, ge=1, le=DEEPEST, description="layers on one another")
    directions: Literal[1, 2] = Field(2, description="1 = left to right, 2 = both ways")
    pooling: PoolingNames = pooling_field()
    embedding_dropout: DropoutShare = Field(0.2, description="dropped share of the embedding")
    dropout: DropoutShare = Field(0.3, description="between layers and of the pooled vector")
    variational: bool = variational_field(True)


class Recurrent(nn.Module):
    """Stacked layers of one cell over token vectors, pooled over real tokens only."""

    def __init__(self, cell: Cell, config: RecurrentConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = token_embedding(config, vocabulary_size)
        self.bag = bag_embedding(config, vocabulary_size)
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.recurrent = StackedRecurrent(
            cell,
            config.dim,
            config.hidden,
            layers=config.layers,
            directions=config.directions,
            dropout=config.dropout,
            variational=config.variational,
        )
        self.pooling = Pooling(
            config.pooling, config.hidden * config.directions, directions=config.directions
        )
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """`ids`, `mask` [batch, time] to `states` [batch, time, hidden x directions], `pooled`.

        Where `attention` pools, its weights [batch, 1, 1, time] are `attention`.
        """
        row = hashed_row(ids, mask, self.embedding, self.bag)
        vectors = self.embedding_dropout(self.embedding(ids, mask, row))
        states = self.recurrent(vectors, mask)
        pooled, attention = self.pooling(states, mask)
        pooled = beside(self.dropout(pooled), self.bag, ids, mask, row)
        return Encoded(pooled, mask=mask, states=states, attention=attention)
