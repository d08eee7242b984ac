"""Base class, outputs and shared settings of text encoders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from munjang.config import WIDEST, Settings
from munjang.layers.embedding import TokenEmbedding, combine, hash_batch
from munjang.layers.fast.ngram_row import HashedRow
from munjang.layers.parameters import parameters_of
from munjang.layers.pooling import POOLINGS, pooling_names
from munjang.layers.subword_schemes import SCHEME_HELP, SubwordScheme
from munjang.layers.subword_units import SubwordUnits


@dataclass(frozen=True)
class TokenVectors:
    """All that an encoder reads of a batch, one vector per token; zeros at padding.

    Attributes:
        tokens: input of the layers, [batch, time, dim].
        bag: vectors that are summed per row into the bag of n-grams, [batch, time, bag dim]; None
            without a bag.
    """

    tokens: Tensor
    bag: Tensor | None = None

    def masked(self, mask: Tensor) -> "TokenVectors":
        """Return the vectors with zeros at padding of `mask` [batch, time], True = real token."""
        padding = ~mask[..., None]
        bag = None if self.bag is None else self.bag.masked_fill(padding, 0.0)
        return TokenVectors(self.tokens.masked_fill(padding, 0.0), bag)


@dataclass(frozen=True)
class EncoderOutput:
    """Output of an encoder for a batch.

    Attributes:
        pooled: one vector per row, [batch, pooled dim].
        mask: [batch, time], True = real token.
        states: one vector per token, [batch, time, dim]; None if the model does not build them.
        attention: weights of attention pooling, [batch, 1, 1, time]; None with other poolings.
    """

    pooled: Tensor
    mask: Tensor
    states: Tensor | None = None
    attention: Tensor | None = None


def _check_pooling(pooling: str) -> str:
    pooling_names(pooling)
    return pooling


PoolingNames = Annotated[str, AfterValidator(_check_pooling)]


def pooling_field(default: str = "max") -> Any:
    """Return the setting `pooling` of encoders that pool states over time."""
    names = ", ".join(POOLINGS)
    return Field(
        default, description=f"pooling over time: {names}, or several joined as in max+mean"
    )


class EncoderConfig(Settings):
    """Settings of the embedding of every encoder, and of its ensemble.

    Attributes:
        not_in_weights: settings that trained weights do not depend on. An encoder that begins from
            trained weights has its own.
        pooled_parts: modules that only the pooled vector needs, and not the states, each with its
            settings.
    """

    not_in_weights: ClassVar[frozenset[str]] = frozenset(
        {
            "token_dropout",
            "embedding_dropout",
            "dropout",
            "ensemble_size",
            "linear_weight",
            "linear_ngrams",
            "linear_buckets",
        }
    )
    pooled_parts: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    dim: int = Field(64, ge=1, le=WIDEST, description="width of token vectors")
    ngrams: int = Field(1, ge=1, le=8, description="longest hashed n-gram of tokens; 1 = none")
    ngram_buckets: int = Field(
        2**18, ge=1, le=2**24, description="table rows shared by all n-grams"
    )
    ngram_min_frequency: int = Field(
        1, ge=1, le=10**9, description="n-grams rarer than this in the training texts get no row"
    )
    token_dropout: float = Field(
        0.0, ge=0, lt=1, description="fraction of tokens replaced by OOV in training"
    )
    subword_ngrams: Literal[0, 3, 4, 5, 6, 7, 8] = Field(
        0, description="longest character n-gram (subword) of a token; 0 = none"
    )
    subword_buckets: int = Field(
        2**16, ge=1, le=2**24, description="table rows shared by all character n-grams"
    )
    subword_units: SubwordUnits = Field(
        "letters",
        description="units of character n-grams: letters, or jamo, of which a Hangul syllable is "
        "three",
    )
    subword_scheme: SubwordScheme = Field("sum", description=SCHEME_HELP)

    ensemble_size: int = Field(
        1, ge=1, le=32, description="networks trained together, whose logits are averaged"
    )
    linear_weight: float = Field(
        0.0, ge=0, lt=1, description="weight of a linear n-gram model in the logits; 0 = none"
    )
    linear_ngrams: int = Field(
        2, ge=1, le=8, description="longest n-gram of tokens of the linear model"
    )
    linear_buckets: int = Field(
        2**16, ge=1, le=2**24, description="linear model: terms shared by n-grams of 2 or more"
    )

    @property
    def most_tokens(self) -> int | None:
        """Maximum number of tokens of a text, GO and EOS included; None = no limit."""
        return None


class WideConfig(EncoderConfig):
    """Settings of an encoder that may have a bag of n-grams.

    "Wide and deep" (Cheng et al. 2016): a nearly linear view of long n-grams is added to what the
    network composes from short ones.
    """

    pooled_parts: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "bag": ("bag_dim", "bag_ngrams", "bag_buckets", "bag_min_frequency"),
        "pooling": ("pooling",),
    }

    bag_dim: int = Field(0, ge=0, le=WIDEST, description="width of the bag of n-grams; 0 = none")
    bag_ngrams: int = Field(4, ge=1, le=8, description="longest n-gram of tokens in the bag")
    bag_buckets: int = Field(2**19, ge=1, le=2**24, description="table rows shared by its n-grams")
    bag_min_frequency: int = Field(
        2, ge=1, le=10**9, description="n-grams rarer than this get no row in the bag"
    )


def token_embedding(config: EncoderConfig, vocabulary_size: int) -> TokenEmbedding:
    """Build the embedding that `config` describes."""
    return TokenEmbedding(
        vocabulary_size,
        config.dim,
        ngrams=config.ngrams,
        buckets=config.ngram_buckets,
        ngram_min_frequency=config.ngram_min_frequency,
        token_dropout=config.token_dropout,
        subword_ngrams=config.subword_ngrams,
        subword_buckets=config.subword_buckets,
        subword_units=config.subword_units,
        subword_scheme=config.subword_scheme,
    )


def bag_embedding(config: WideConfig, vocabulary_size: int) -> TokenEmbedding | None:
    """Build the embedding of the bag of n-grams, or return None."""
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


# Computes the bag's vector [batch, bag dim]. Called last, after the dropout of the other vectors.
Bag = Callable[[], Tensor] | None


class WideEncoder(nn.Module):
    """Encoder with an embedding and an optional bag of n-grams.

    `forward` equals `encode(embed(ids, mask), mask)`, but combines the rows of the bag without a
    vector per token. A subclass implements `_states` and `_encode`.

    Attributes:
        pooled_dim: width of the pooled vector.
        states_dim: width of a state.

    Args:
        config: settings of embedding and bag.
        vocabulary_size: number of ids, PAD included.
    """

    pooled_dim: int
    states_dim: int

    def __init__(self, config: WideConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = token_embedding(config, vocabulary_size)
        self.bag = bag_embedding(config, vocabulary_size)

    def forward(self, ids: Tensor, mask: Tensor, **options: Any) -> EncoderOutput:
        """Encode `ids`, with `mask` (True = real token) both [batch, time].

        `options` are the keyword arguments of `encode`.
        """
        row = hash_batch(ids, mask, self.embedding, self.bag)
        bag = self.bag
        vectors = self.token_vectors(ids, mask, row)
        make_bag = None if bag is None else lambda: bag.bag(ids, mask, "sqrtn", row)
        return self._encode(vectors, mask, make_bag, **options)

    def embed(self, ids: Tensor, mask: Tensor) -> TokenVectors:
        """Return all vectors that depend on `ids` [batch, time]."""
        bag = None if self.bag is None else self.bag(ids, mask)
        return TokenVectors(self.token_vectors(ids, mask), bag)

    def token_vectors(self, ids: Tensor, mask: Tensor, row: HashedRow | None = None) -> Tensor:
        """Return the input of the layers, [batch, time, dim]; `row` is that of `hash_batch`."""
        vectors: Tensor = self.embedding(ids, mask, row)
        return vectors

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the embedding, and of each layer from input to output."""
        return [parameters_of(self.embedding)]

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return one state per token, [batch, time, states dim], which training builds too."""
        return self._states(self.token_vectors(ids, mask), mask)

    def encode(self, vectors: TokenVectors, mask: Tensor, **options: Any) -> EncoderOutput:
        """Encode the vectors of `embed`, or any others of their shape; padding is zeroed."""
        vectors = vectors.masked(mask)
        bag = vectors.bag
        make_bag = None if bag is None else lambda: combine(bag, mask, "sqrtn")
        return self._encode(vectors.tokens, mask, make_bag, **options)

    def _states(self, vectors: Tensor, mask: Tensor) -> Tensor:
        raise NotImplementedError

    def _encode(self, vectors: Tensor, mask: Tensor, bag: Bag, **options: Any) -> EncoderOutput:
        raise NotImplementedError


def append_bag(pooled: Tensor, bag: Bag) -> Tensor:
    """Append the bag's vector, if there is a bag, to `pooled` [batch, dim]."""
    return pooled if bag is None else torch.cat([pooled, bag()], dim=1)
