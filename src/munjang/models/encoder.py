"""What every encoder gives, and the settings that all of them share."""

from dataclasses import dataclass

from pydantic import Field
from torch import Tensor

from munjang.config import Settings
from munjang.layers.embedding import TokenEmbedding


@dataclass(frozen=True)
class Encoded:
    """What an encoder makes of a batch.

    Attributes:
        pooled: one vector a row, [batch, pooled dim].
        mask: [batch, time], True = real token.
        states: one vector a token, [batch, time, dim]; None where the model never builds them.
        attention: weights a head, [batch, heads, time, time]; None without attention.
    """

    pooled: Tensor
    mask: Tensor
    states: Tensor | None = None
    attention: Tensor | None = None


class EncoderConfig(Settings):
    """Settings of the embedding below every encoder."""

    dim: int = Field(64, ge=1, description="width of a token's vector")
    ngrams: int = Field(1, ge=1, le=8, description="longest hashed n-gram of tokens; 1 = none")
    buckets: int = Field(2**18, ge=1, le=2**24, description="rows shared by all n-grams")
    ngram_dropout: float = Field(
        0.0, ge=0, lt=1, description="share of tokens and n-grams left out in training"
    )


def token_embedding(config: EncoderConfig, vocabulary_size: int) -> TokenEmbedding:
    """The embedding that `config` describes."""
    return TokenEmbedding(
        vocabulary_size,
        config.dim,
        ngrams=config.ngrams,
        buckets=config.buckets,
        ngram_dropout=config.ngram_dropout,
    )
