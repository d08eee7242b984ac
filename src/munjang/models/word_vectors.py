"""Base class and settings of `skipgram` and `cbow`, whose only layer is the embedding of tokens."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import WIDEST, Settings
from munjang.layers.embedding import TokenEmbedding, combine
from munjang.layers.hashing import choose_buckets
from munjang.layers.negative_sampling import Windows
from munjang.layers.parameters import parameters_of
from munjang.layers.subword_schemes import SCHEME_HELP, SUBWORD_SCHEMES, SubwordScheme
from munjang.layers.subword_units import SubwordUnits
from munjang.models.encoder import EncoderOutput, TokenVectors
from munjang.text.vocabulary import PAD, RESERVED

# Bounds of the default number of rows for n-grams: 2^21 rows are those of fastText.
_FEWEST_BUCKETS, _MOST_BUCKETS = 2**10, 2**21
# For networks that are built without a vocabulary, to look at their size.
_UNKNOWN_BUCKETS = 2**17


class WordVectorsConfig(Settings):
    """Settings of architectures that learn word vectors."""

    not_in_weights: ClassVar[frozenset[str]] = frozenset({"sif"})

    dim: int = Field(100, ge=1, le=WIDEST, description="width of word vectors")
    subword_ngrams: Literal[0, 3, 4, 5, 6, 7, 8] = Field(
        5, description="longest character n-gram (subword) of a word; 0 = none"
    )
    subword_buckets: int | None = Field(
        None,
        ge=1,
        le=2**24,
        description="table rows shared by all character n-grams; null: a power of two, at least "
        "twice the number of distinct n-grams of the vocabulary, from 2^10 to 2^21",
    )
    subword_units: SubwordUnits = Field(
        "letters",
        description="units of character n-grams: letters, or jamo, of which a Hangul syllable is "
        "three",
    )
    subword_scheme: SubwordScheme = Field("sum", description=SCHEME_HELP)
    sif: float = Field(
        1e-3,
        gt=0,
        le=1,
        description="a of the pooling pooled: a word of the frequency p has the weight a / (a + p)",
    )

    def for_vocabulary(self, tokens: Sequence[str]) -> Self:
        """Return the settings with a table of n-grams that fits a vocabulary.

        Args:
            tokens: the vocabulary, [size] strings in the order of their ids.
        """
        if self.subword_buckets is not None or not self.subword_ngrams:
            return self
        count = SUBWORD_SCHEMES[self.subword_scheme].count_ngrams(
            tokens, self.subword_ngrams, self.subword_units
        )
        buckets = choose_buckets(count, rows=2, fewest=_FEWEST_BUCKETS, most=_MOST_BUCKETS)
        return self.model_copy(update={"subword_buckets": buckets})


class LearnsFromWindows(Protocol):
    """An encoder that learns word vectors from neighboring tokens."""

    def sampled_loss(
        self, inputs: Tensor, outputs: Tensor, noise: Tensor, windows: Windows, negatives: float
    ) -> Tensor:
        """Return the sum of the losses over all predictions, a scalar.

        Args:
            inputs: input vector of each token, [tokens, dim].
            outputs: output vector of each token, [tokens, dim].
            noise: output vectors of the negatives of each group, [groups, shared, dim].
            windows: the neighbors.
            negatives: number of negatives per prediction.
        """

    def count_predictions(self, windows: Windows) -> Tensor:
        """Return how often each token is predicted, [tokens]."""


class WordVectorEncoder(nn.Module):
    """Token vectors as states; a subclass says how they are learned (`LearnsFromWindows`).

    The pooled vector of a row is the mean of its token vectors, weighted by smooth inverse
    frequency (SIF): a / (a + p) for a token of the frequency p in training. Arora, Liang and Ma
    (2017), "A simple but tough-to-beat baseline for sentence embeddings"; the common component that
    they subtract depends on a whole set of rows and is left in.

    Attributes:
        predicts_neighbors: True if a token predicts its neighbors, False if they predict it.
        pooled_dim: width of the pooled vector.
        states_dim: width of a state.

    Args:
        config: settings.
        vocabulary_size: number of ids, PAD included.
    """

    frequencies: Tensor
    predicts_neighbors: ClassVar[bool]

    def __init__(self, config: WordVectorsConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(
            vocabulary_size,
            config.dim,
            subword_ngrams=config.subword_ngrams,
            subword_buckets=config.subword_buckets or _UNKNOWN_BUCKETS,
            subword_units=config.subword_units,
            subword_scheme=config.subword_scheme,
        )
        self.register_buffer("frequencies", torch.zeros(vocabulary_size))
        self.sif = config.sif
        self.pooled_dim = self.states_dim = config.dim
        self._initialize(0.5 / config.dim)

    @torch.no_grad()
    def _initialize(self, largest: float) -> None:
        """Draw rows from a narrow uniform distribution, as Mikolov et al. do.

        Rows of reserved ids are zero: no word learns them, so that a word out of the vocabulary
        without any known n-gram has no vector.
        """
        self.embedding.weight[: len(RESERVED)] = 0.0
        self.embedding.weight[len(RESERVED) :].uniform_(-largest, largest)
        if self.embedding.subwords is not None:
            self.embedding.subwords.weight[PAD + 1 :].uniform_(-largest, largest)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the embedding."""
        return [parameters_of(self.embedding)]

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the vector of each token, [batch, time, dim]."""
        vectors: Tensor = self.embedding(ids, mask)
        return vectors

    def forward(self, ids: Tensor, mask: Tensor) -> EncoderOutput:
        """Encode `ids`, with `mask` (True = real token) both [batch, time]."""
        return self.encode(self.embed(ids, mask), mask)

    def embed(self, ids: Tensor, mask: Tensor) -> TokenVectors:
        """Return the token vectors, and with their SIF weights the bag that is pooled."""
        vectors = self.states(ids, mask)
        return TokenVectors(vectors, vectors * self._sif_weights(ids)[..., None])

    def encode(self, vectors: TokenVectors, mask: Tensor) -> EncoderOutput:
        """Encode the vectors of `embed`, or any others of their shape; padding is zeroed."""
        vectors = vectors.masked(mask)
        bag = vectors.tokens if vectors.bag is None else vectors.bag
        return EncoderOutput(combine(bag, mask, "mean"), mask, vectors.tokens)

    def _sif_weights(self, ids: Tensor) -> Tensor:
        """Return the weight of each of `ids`; an out-of-vocabulary word has the frequency 0."""
        size = len(self.frequencies)
        frequencies = self.frequencies[ids.clamp(max=size - 1)].masked_fill(ids >= size, 0.0)
        return self.sif / (self.sif + frequencies)
