"""Protocol and shared settings of encoder-decoders."""

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field
from torch import Tensor

from munjang.config import WIDEST, Settings
from munjang.layers.pair_embedding import PairEmbedding
from munjang.layers.projection import Projected
from munjang.models.decoder import StepOutput


class EncoderDecoderConfig(Settings):
    """Settings that all encoder-decoders share."""

    dim: int = Field(128, ge=1, le=WIDEST, description="embedding dimension")
    tie_embeddings: bool = Field(
        True,
        description="the output layer shares its weights with the target embedding (Press and "
        "Wolf 2017)",
    )
    share_embeddings: bool = Field(
        True, description="one embedding for both sides, where they share a vocabulary"
    )

    @property
    def most_tokens(self) -> int | None:
        """Tokens of the longest text of either side, GO and EOS included; None: no limit."""
        return None

    @property
    def has_attention(self) -> bool:
        """True if steps return attention to the source."""
        return True


@dataclass(frozen=True)
class Vocabularies:
    """Vocabulary sizes of both sides.

    Attributes:
        source: number of ids of the source side.
        target: number of ids of the target side.
        shared: both sides have one vocabulary, so that an id means the same on both.
    """

    source: int
    target: int
    shared: bool


class EncoderDecoder(Protocol):
    """Interface that training and decoding need, beside that of `nn.Module`.

    One that can return its attention is `munjang.models.attention_weights.Attends` too.
    """

    def __call__(
        self, source: Tensor, source_mask: Tensor, decoder_inputs: Tensor, decoder_mask: Tensor
    ) -> Projected:
        """Predict the token after each decoder input, with teacher forcing.

        Args:
            source: [batch, source time] ids.
            source_mask: [batch, source time], True = real token.
            decoder_inputs: [batch, target time]: GO and the target without its EOS.
            decoder_mask: [batch, target time], True = real token.

        Returns:
            States of the real decoder inputs, row by row, [real tokens, dim], with the output
            layer: `munjang.layers.projection.Projected`.
        """
        ...

    def begin(self, source: Tensor, source_mask: Tensor) -> Any:
        """Return the `munjang.models.decoder.State` before the first step, of beam 1."""
        ...

    def step(self, state: Any, ids: Tensor) -> StepOutput:
        """Read one token of each hypothesis, `ids` [rows, beam]; the first one is GO."""
        ...


def pair_embedding(
    config: EncoderDecoderConfig, vocabularies: Vocabularies, *, states: int | None = None
) -> PairEmbedding:
    """Return the embeddings of both sides and the output layer that `config` describes.

    Args:
        config: `dim`, `tie_embeddings` and `share_embeddings` are read.
        vocabularies: embeddings are shared only where the vocabulary is.
        states: width of the states that an output layer with weights of its own projects;
            None: dim. A tied output layer projects states of width dim: see
            `PairEmbedding.out_dim`.
    """
    return PairEmbedding(
        vocabularies.source,
        vocabularies.target,
        config.dim,
        share=config.share_embeddings and vocabularies.shared,
        tie=config.tie_embeddings,
        out_dim=None if config.tie_embeddings else states,
    )
