"""What every encoder-decoder gives: a text in, another text out, one token after the other.

Decoding (`munjang.decoding`) knows a model by `begin` and `step` alone. The hypotheses of a
sentence stand in a dimension of their own, so that what was made of the source is kept once a
sentence and not once a hypothesis.
"""

from dataclasses import dataclass
from typing import Protocol, Self

from pydantic import Field
from torch import Tensor

from munjang.config import WIDEST, Settings
from munjang.layers.pair_embedding import PairEmbedding
from munjang.layers.projection import Projected


class EncoderDecoderConfig(Settings):
    """Settings that all encoder-decoders share."""

    dim: int = Field(128, ge=1, le=WIDEST, description="width of a token's vector")
    tie_output: bool = Field(
        True, description="score the next token with its own embedding (Press and Wolf 2017)"
    )
    share_embeddings: bool = Field(
        True, description="one embedding for both sides, where they share a vocabulary"
    )

    @property
    def most_tokens(self) -> int | None:
        """Tokens of the longest text of either side, GO and EOS included; None = any."""
        return None

    @property
    def attends(self) -> bool:
        """Whether its steps give attention to the source."""
        return True


@dataclass(frozen=True)
class Vocabularies:
    """How many tokens there are.

    Attributes:
        source: ids of the source side.
        target: ids of the target side.
        shared: whether both sides have one vocabulary, so that an id means the same.
    """

    source: int
    target: int
    shared: bool


class State(Protocol):
    """What a decoder remembers of [sentences, beam] hypotheses. Never changed, only replaced."""

    def pick(self, parents: Tensor) -> Self:
        """The state of new hypotheses.

        Args:
            parents: [sentences, new beam] int64: which of the old hypotheses of its sentence each
                new one goes on from.
        """

    def keep(self, sentences: Tensor) -> Self:
        """The state of some sentences alone, in their order; `sentences` [kept] int64."""


@dataclass(frozen=True)
class Stepped:
    """What one step gives.

    Attributes:
        logits: of the next token, [sentences, beam, target vocabulary].
        state: with the token that was given.
        attention: how much of each source token was taken, [sentences, beam, source time], 1 in
            all and 0 at padding; None where nothing is attended to.
    """

    logits: Tensor
    state: State
    attention: Tensor | None = None


class EncoderDecoder(Protocol):
    """What training and decoding need of a model, beside being an `nn.Module`.

    One with attention is a `munjang.models.attention_weights.Attends`, too.
    """

    def __call__(
        self, source: Tensor, source_mask: Tensor, given: Tensor, given_mask: Tensor
    ) -> Projected:
        """Teacher forcing: what is said of the next token behind every given one.

        Args:
            source: [batch, source time] ids.
            source_mask: True = real token.
            given: [batch, target time]: GO and the target without its EOS.
            given_mask: True = real token.

        Returns:
            Of the real given tokens, row by row: `munjang.layers.projection.Projected` of
            [real tokens, dim].
        """
        ...

    def begin(self, source: Tensor, source_mask: Tensor) -> State:
        """The state before the first step, with one hypothesis a sentence (beam = 1)."""
        ...

    def step(self, state: State, ids: Tensor) -> Stepped:
        """Read one token of each hypothesis, `ids` [sentences, beam]; GO comes first."""
        ...


def pair_embedding(
    config: EncoderDecoderConfig, vocabularies: Vocabularies, *, states: int | None = None
) -> PairEmbedding:
    """The embedding of both sides and the output layer that `config` describes.

    Args:
        config: dim, tie_output and share_embeddings are read.
        vocabularies: embeddings are shared only where the vocabulary is.
        states: width of the states that are projected where the output has weights of its own;
            dim when left out. Tied, they are of width dim: see `PairEmbedding.out_dim`.
    """
    return PairEmbedding(
        vocabularies.source,
        vocabularies.target,
        config.dim,
        share=config.share_embeddings and vocabularies.shared,
        tie=config.tie_output,
        out_dim=None if config.tie_output else states,
    )


def source_lengths(mask: Tensor) -> Tensor:
    """Real tokens of each row, [batch]."""
    return mask.sum(1)
