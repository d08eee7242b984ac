"""Averaged embeddings: a bag of words and of their n-grams.

Paper: Joulin, Grave, Bojanowski and Mikolov (2017), "Bag of tricks for efficient text
classification". Use if speed matters most, or as a baseline. Word order is lost
except within n-grams. Use `cnn` instead if short patterns matter, `lstm` if order does.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from munjang.layers.embedding import Combiner, combine, hash_batch
from munjang.layers.fast.dropout import Dropout
from munjang.layers.parameters import parameters_of
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder import EncoderConfig, EncoderOutput, TokenVectors, token_embedding


class MeanConfig(EncoderConfig):
    """Settings of `mean`."""

    name: Literal["mean"] = "mean"
    combiner: Combiner = Field("mean", description="mean, or sqrtn: long texts get longer vectors")
    dropout: DropoutRate = Field(0.0, description="dropout rate of the averaged vector")


class Mean(nn.Module):
    """The masked mean of the token vectors of each row.

    `forward` equals `encode(embed(ids, mask), mask)`, but builds no vector per token.
    """

    def __init__(self, config: MeanConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = token_embedding(config, vocabulary_size)
        self.combiner = config.combiner
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = config.dim

    def forward(self, ids: Tensor, mask: Tensor) -> EncoderOutput:
        """Encode `ids`, with `mask` (True = real token) both [batch, time]."""
        row = hash_batch(ids, mask, self.embedding)
        pooled = self.embedding.bag(ids, mask, self.combiner, row)
        return EncoderOutput(pooled=self.dropout(pooled), mask=mask)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the embedding."""
        return [parameters_of(self.embedding)]

    def embed(self, ids: Tensor, mask: Tensor) -> TokenVectors:
        """Return all vectors that depend on `ids` [batch, time]."""
        return TokenVectors(self.embedding(ids, mask))

    @property
    def can_decompose(self) -> bool:
        """True: the mean is a sum."""
        return True

    def decomposed_pooled(self, vectors: TokenVectors, mask: Tensor) -> Tensor:
        """Return the mean, see `munjang.models.given_vectors.DecomposesPooled`."""
        return self.encode(vectors, mask).pooled

    def encode(self, vectors: TokenVectors, mask: Tensor) -> EncoderOutput:
        """Encode the vectors of `embed`, or any others of their shape; padding is zeroed."""
        pooled = combine(vectors.masked(mask).tokens, mask, self.combiner)
        return EncoderOutput(pooled=self.dropout(pooled), mask=mask)
