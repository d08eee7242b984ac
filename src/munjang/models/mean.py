"""Averaged embeddings: the first of the lineage, a bag of words (and of their n-grams).

Paper: Joulin, Grave, Bojanowski and Mikolov (2017), "Bag of tricks for efficient text
classification". Use when speed is everything, or as the first figure to beat. Word order is lost
but for what n-grams keep. Use `cnn` instead when short patterns matter, `lstm` when order does.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from munjang.layers.dropout import Dropout
from munjang.layers.embedding import Combiner, hashed_row
from munjang.models.encoder import Encoded, EncoderConfig, token_embedding
from munjang.models.shares import DropoutShare


class MeanConfig(EncoderConfig):
    """Settings of `mean`."""

    name: Literal["mean"] = "mean"
    combiner: Combiner = Field("mean", description="mean, or sqrtn: longer texts weigh more")
    dropout: DropoutShare = Field(0.0, description="dropped share of the averaged vector")


class Mean(nn.Module):
    """The masked mean of a row's token vectors."""

    def __init__(self, config: MeanConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = token_embedding(config, vocabulary_size)
        self.combiner = config.combiner
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = config.dim

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """`ids`, `mask` [batch, time] to `pooled` [batch, dim]; no states are built."""
        row = hashed_row(ids, mask, self.embedding)
        pooled = self.embedding.bag(ids, mask, self.combiner, row)
        return Encoded(pooled=self.dropout(pooled), mask=mask)
