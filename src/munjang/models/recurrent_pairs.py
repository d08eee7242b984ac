"""What `seq2seq` and `attentive` share: both sides, the way from one to the other, the output."""

from abc import abstractmethod
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, WIDEST
from munjang.layers.fast.dropout import Dropout
from munjang.layers.projection import Projected
from munjang.layers.recurrent import StackedRecurrent
from munjang.layers.recurrent_decoder import PARTS, Bridge, GatedCell, RecurrentDecoder
from munjang.layers.scheduled import mix_guesses
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder_decoder import EncoderDecoderConfig, Vocabularies, pair_embedding


def directions_field(default: int) -> Any:
    """The setting `directions`, whose default is not the same for all."""
    return Field(default, description="of the encoder: 1 = left to right, 2 = both ways")


class RecurrentPairConfig(EncoderDecoderConfig):
    """Settings of every recurrent encoder-decoder."""

    cell: GatedCell = Field("lstm", description="lstm or gru, on both sides")
    hidden: int = Field(
        256, ge=1, le=WIDEST, description="width of a state of either side; two directions share it"
    )
    layers: int = Field(1, ge=1, le=DEEPEST, description="layers on one another, on both sides")
    directions: Literal[1, 2] = directions_field(2)
    embedding_dropout: DropoutRate = Field(0.2, description="dropped share of the embedding")
    dropout: DropoutRate = Field(0.3, description="between layers and before the output")
    scheduled_sampling: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the target's tokens that are the model's own guesses in training",
    )

    @model_validator(mode="after")
    def _directions_share_hidden(self) -> Self:
        if self.hidden % self.directions:
            raise ValueError(
                f"hidden: two directions share it evenly, and {self.hidden} is odd; choose an "
                f"even width, or directions: 1"
            )
        return self


class RecurrentPair(nn.Module):
    """An encoder that reads the source, and a decoder that begins where the encoder ended.

    The end of each layer is handed to the decoder's layer of the same height: as it is from one
    direction, over a `Bridge` from two.

    Args:
        config: of either model.
        vocabularies: of both sides.
        fed: width of what joins each input of the decoder, beside the token's vector.
    """

    def __init__(
        self, config: RecurrentPairConfig, vocabularies: Vocabularies, *, fed: int = 0
    ) -> None:
        super().__init__()
        cell, hidden, layers = config.cell, config.hidden, config.layers
        self.scheduled_sampling = config.scheduled_sampling
        self.embedding = pair_embedding(config, vocabularies, states=hidden)
        self.scale = config.dim**0.5
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.encoder = StackedRecurrent(
            cell,
            config.dim,
            hidden // config.directions,
            layers=layers,
            directions=config.directions,
            dropout=config.dropout,
        )
        self.bridge = Bridge(layers, PARTS[cell], hidden) if config.directions == 2 else None
        self.decoder = RecurrentDecoder(
            cell, config.dim, hidden, fed=fed, layers=layers, dropout=config.dropout
        )
        self.dropout = Dropout(config.dropout)
        scored = self.embedding.out_dim
        self.narrow = None if scored == hidden else nn.Linear(hidden, scored, bias=False)

    @abstractmethod
    def begin(self, source: Tensor, source_mask: Tensor) -> Any:
        """The state before the first step: `EncoderDecoder.begin`."""

    @abstractmethod
    def taught(self, state: Any, given: Tensor) -> Tensor:
        """States [batch, time, hidden] before the output, when `given` is read from `state`."""

    def forward(
        self, source: Tensor, source_mask: Tensor, given: Tensor, given_mask: Tensor
    ) -> Projected:
        """What is said of the next token behind every given one: `EncoderDecoder.__call__`."""
        state = self.begin(source, source_mask)
        if self.training and self.scheduled_sampling:
            with torch.no_grad():
                guessed = self.projected(self.taught(state, given)[given_mask])
            given = mix_guesses(given, given_mask, guessed, self.scheduled_sampling)
        return self.projected(self.taught(state, given)[given_mask])

    def encoded(self, source: Tensor, source_mask: Tensor) -> tuple[Tensor, Tensor]:
        """The source's states, [batch, time, hidden], and where the decoder begins.

        Returns:
            The states, and [batch, layers, parts, hidden].
        """
        vectors = self.embedding_dropout(self.embedding.source(source) * self.scale)
        states, ends = self.encoder.forward_with_final_states(vectors, source_mask)
        return states, ends if self.bridge is None else self.bridge(ends)

    def target_vectors(self, ids: Tensor) -> Tensor:
        """Vectors of target ids of any shape, as the decoder reads them: [..., dim]."""
        vectors: Tensor = self.embedding_dropout(self.embedding.target(ids) * self.scale)
        return vectors

    def projected(self, states: Tensor) -> Projected:
        """`states` [rows, hidden] with the output layer."""
        states = self.dropout(states)
        return self.embedding.project(states if self.narrow is None else self.narrow(states))

    def next_logits(self, states: Tensor, ids: Tensor) -> Tensor:
        """Of `states` [sentences x beam, hidden]: logits in the shape of `ids`, with words last."""
        logits = self.projected(states).logits()
        return logits.view(*ids.shape, logits.shape[1])


def of_parents(hypotheses: Tensor, parents: Tensor) -> Tensor:
    """What the new hypotheses go on with.

    Args:
        hypotheses: [sentences, beam, ...].
        parents: [sentences, new beam]: which of its sentence's each goes on from.

    Returns:
        [sentences, new beam, ...].
    """
    sentences = torch.arange(len(parents), device=parents.device)[:, None]
    return hypotheses[sentences, parents]
