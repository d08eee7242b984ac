"""What every encoder gives, and the settings that all of them share."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from munjang.config import WIDEST, Settings
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fast.ngram_row import HashedRow
from munjang.layers.pooling import POOLINGS, pooling_names


@dataclass(frozen=True)
class Encoded:
    """What an encoder makes of a batch.

    Attributes:
        pooled: one vector a row, [batch, pooled dim].
        mask: [batch, time], True = real token.
        states: one vector a token, [batch, time, dim]; None where the model never builds them.
        attention: weights of what was looked at, [batch, heads, queries, time]; None without
            attention. Where every token looks there are `time` queries; where attention pools
            there is one head with one query, [batch, 1, 1, time].
    """

    pooled: Tensor
    mask: Tensor
    states: Tensor | None = None
    attention: Tensor | None = None


def _known_pooling(pooling: str) -> str:
    pooling_names(pooling)
    return pooling


PoolingNames = Annotated[str, AfterValidator(_known_pooling)]


def pooling_field() -> Any:
    """The setting `pooling` of every encoder that pools states over time."""
    return Field("max", description=f"over time: {', '.join(POOLINGS)}, or joined as in max+mean")


class EncoderConfig(Settings):
    """Settings of the embedding below every encoder, and of what may answer along with it."""

    dim: int = Field(64, ge=1, le=WIDEST, description="width of a token's vector")
    ngrams: int = Field(1, ge=1, le=8, description="longest hashed n-gram of tokens; 1 = none")
    buckets: int = Field(2**18, ge=1, le=2**24, description="rows shared by all n-grams")
    ngram_min_frequency: int = Field(
        1, ge=1, le=10**9, description="n-grams rarer than this in the training texts get no row"
    )
    token_dropout: float = Field(
        0.0, ge=0, lt=1, description="share of tokens that read as OOV in training"
    )
    spelling: Literal[0, 3, 4, 5, 6, 7, 8] = Field(
        0, description="longest n-gram of letters of a token's own spelling; 0 = none"
    )
    spelling_buckets: int = Field(
        2**16, ge=1, le=2**24, description="rows shared by the n-grams of letters"
    )

    members: int = Field(
        1, ge=1, le=32, description="networks that learn side by side and answer together"
    )
    linear_share: float = Field(
        0.0, ge=0, lt=1, description="of the answer, by a linear model on n-grams; 0 = none"
    )
    linear_ngrams: int = Field(2, ge=1, le=8, description="its longest n-gram of tokens")
    linear_buckets: int = Field(
        2**16, ge=1, le=2**24, description="its terms, shared by all n-grams of two tokens or more"
    )

    @property
    def most_tokens(self) -> int | None:
        """Tokens of the longest text that the encoder takes, GO and EOS included; None = any."""
        return None


class WideConfig(EncoderConfig):
    """Settings of an encoder that may have a bag of n-grams beside it.

    "Wide and deep" (Cheng et al. 2016): a nearly linear view of long n-grams joins what the
    network composes from short ones.
    """

    bag_dim: int = Field(
        0, ge=0, le=WIDEST, description="width of the bag of n-grams beside; 0 = none"
    )
    bag_ngrams: int = Field(4, ge=1, le=8, description="its longest n-gram of tokens")
    bag_buckets: int = Field(2**19, ge=1, le=2**24, description="rows shared by its n-grams")
    bag_min_frequency: int = Field(2, ge=1, le=10**9, description="rarer n-grams get no row in it")


def bag_embedding(config: WideConfig, vocabulary_size: int) -> TokenEmbedding | None:
    """The embedding of the bag beside the encoder, or None."""
    if not config.bag_dim:
        return None
    return TokenEmbedding(
        vocabulary_size,
        config.bag_dim,
        ngrams=config.bag_ngrams,
        buckets=config.bag_buckets,
        ngram_min_frequency=config.bag_min_frequency,
        token_dropout=config.token_dropout,
    )


def beside(
    pooled: Tensor,
    bag: TokenEmbedding | None,
    ids: Tensor,
    mask: Tensor,
    row: HashedRow | None = None,
) -> Tensor:
    """`pooled` [batch, dim] with the bag's vector, when there is a bag, behind it."""
    return pooled if bag is None else torch.cat([pooled, bag.bag(ids, mask, "sqrtn", row)], dim=1)


def token_embedding(config: EncoderConfig, vocabulary_size: int) -> TokenEmbedding:
    """The embedding that `config` describes."""
    return TokenEmbedding(
        vocabulary_size,
        config.dim,
        ngrams=config.ngrams,
        buckets=config.buckets,
        ngram_min_frequency=config.ngram_min_frequency,
        token_dropout=config.token_dropout,
        spelling=config.spelling,
        spelling_buckets=config.spelling_buckets,
    )
