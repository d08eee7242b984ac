"""Parts that `seq2seq` and `attentive` share: embeddings, encoder, decoder, output layer."""

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
from munjang.layers.scheduled import mix_predictions
from munjang.models.dropout_rate import DropoutRate
from munjang.models.sequence_to_sequence.model import (
    EncoderDecoderConfig,
    Vocabularies,
    pair_embedding,
)


def directions_field(default: int) -> Any:
    """Return the setting `directions`, whose default depends on the model."""
    return Field(default, description="of the encoder: 1 = left to right, 2 = bidirectional")


class RecurrentEncoderDecoderConfig(EncoderDecoderConfig):
    """Settings of every recurrent encoder-decoder."""

    cell: GatedCell = Field("lstm", description="lstm or gru, in encoder and decoder")
    hidden_dim: int = Field(
        256,
        ge=1,
        le=WIDEST,
        description="hidden dimension of encoder and decoder; two directions share it",
    )
    layers: int = Field(1, ge=1, le=DEEPEST, description="layers of encoder and decoder")
    directions: Literal[1, 2] = directions_field(2)
    embedding_dropout: DropoutRate = Field(0.2, description="dropout of the embeddings")
    dropout: DropoutRate = Field(0.3, description="dropout between layers and before the output")
    scheduled_sampling: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of decoder inputs that are the model's own predictions in training",
    )

    @model_validator(mode="after")
    def _directions_share_hidden(self) -> Self:
        if self.hidden_dim % self.directions:
            raise ValueError(
                f"hidden_dim: two directions share it evenly, and {self.hidden_dim} is odd; choose "
                "an "
                f"even width, or directions: 1"
            )
        return self


class RecurrentEncoderDecoder(nn.Module):
    """A recurrent encoder, and a recurrent decoder that begins in the encoder's last state.

    The last state of each encoder layer initializes the decoder layer of the same number: directly
    from one direction, through a `Bridge` from two.

    Args:
        config: of either model.
        vocabularies: of both sides.
        extra_dim: width of what is concatenated to each embedded decoder input; 0: nothing.
    """

    def __init__(
        self,
        config: RecurrentEncoderDecoderConfig,
        vocabularies: Vocabularies,
        *,
        extra_dim: int = 0,
    ) -> None:
        super().__init__()
        cell, hidden, layers = config.cell, config.hidden_dim, config.layers
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
            cell, config.dim, hidden, extra_dim=extra_dim, layers=layers, dropout=config.dropout
        )
        self.dropout = Dropout(config.dropout)
        out_dim = self.embedding.out_dim
        self.to_out_dim = None if out_dim == hidden else nn.Linear(hidden, out_dim, bias=False)

    @abstractmethod
    def begin(self, source: Tensor, source_mask: Tensor) -> Any:
        """Return the state before the first step: see `EncoderDecoder.begin`."""

    @abstractmethod
    def teacher_forced_states(self, state: Any, decoder_inputs: Tensor) -> Tensor:
        """Return the states before the output layer, [batch, time, hidden].

        Args:
            state: as `begin` returns it.
            decoder_inputs: [batch, time] ids.
        """

    def forward(
        self, source: Tensor, source_mask: Tensor, decoder_inputs: Tensor, decoder_mask: Tensor
    ) -> Projected:
        """Predict the token after each decoder input: see `EncoderDecoder.__call__`."""
        state = self.begin(source, source_mask)
        if self.training and self.scheduled_sampling:
            with torch.no_grad():
                states = self.teacher_forced_states(state, decoder_inputs)
                predictions = self.project(states[decoder_mask])
            decoder_inputs = mix_predictions(
                decoder_inputs, decoder_mask, predictions, self.scheduled_sampling
            )
        return self.project(self.teacher_forced_states(state, decoder_inputs)[decoder_mask])

    def encode(self, source: Tensor, source_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode the source.

        Returns:
            Encoder states [batch, time, hidden], and the decoder's initial state [batch, layers,
            parts, hidden].
        """
        vectors = self.embedding_dropout(self.embedding.embed_source(source) * self.scale)
        states, ends = self.encoder.forward_with_final_states(vectors, source_mask)
        return states, ends if self.bridge is None else self.bridge(ends)

    def side_vectors(self, *sides: Tensor) -> Tensor:
        """Return the vectors of source and answer, see `munjang.models.given_vectors`."""
        return self.embedding.embed_sides(*sides)

    def embed_target(self, ids: Tensor) -> Tensor:
        """Return the vectors that the decoder reads for `ids` of any shape, [..., dim]."""
        vectors: Tensor = self.embedding_dropout(self.embedding.embed_target(ids) * self.scale)
        return vectors

    def project(self, states: Tensor) -> Projected:
        """Return `states` [rows, hidden] with the output layer."""
        states = self.dropout(states)
        return self.embedding.project(
            states if self.to_out_dim is None else self.to_out_dim(states)
        )

    def next_logits(self, states: Tensor, ids: Tensor) -> Tensor:
        """Return logits [*ids.shape, vocabulary] of `states` [rows x beam, hidden]."""
        logits = self.project(states).logits()
        return logits.view(*ids.shape, logits.shape[1])
