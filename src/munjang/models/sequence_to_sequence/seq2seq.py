"""Encoder-decoder without attention: the whole source in one vector.

Papers: Sutskever et al. (2014), "Sequence to sequence learning with neural networks", with LSTM
cells and a reversed source, so that the first words of both sides are close; Cho et al. (2014),
"Learning phrase representations using RNN encoder-decoder for statistical machine translation",
with GRU cells. Use for texts of a few words, and to see how much one vector can hold.
Use `attentive` instead for sentences: a long one does not fit into the vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from munjang.layers.beams import pick_hypotheses
from munjang.layers.masking import reverse_rows
from munjang.layers.recurrent_decoder import split_layers, stack_layers
from munjang.models.decoder import StepOutput
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.models.sequence_to_sequence.recurrent import (
    RecurrentEncoderDecoder,
    RecurrentEncoderDecoderConfig,
    directions_field,
)


class Seq2SeqConfig(RecurrentEncoderDecoderConfig):
    """Settings of `seq2seq`."""

    name: Literal["seq2seq"] = "seq2seq"
    directions: Literal[1, 2] = directions_field(1)
    reverse_source: bool = Field(
        True, description="read the source from its last token to its first"
    )

    @property
    def has_attention(self) -> bool:
        """False: the source reaches the decoder through its initial state alone."""
        return False


@dataclass(frozen=True)
class Seq2SeqState:
    """State of the decoder.

    Attributes:
        hidden: state of every layer, [rows, beam, layers, parts, hidden].
    """

    hidden: Tensor

    def pick(self, parents: Tensor) -> "Seq2SeqState":
        """Return the state of new hypotheses: see `State.pick`."""
        return Seq2SeqState(pick_hypotheses(self.hidden, parents))

    def keep(self, rows: Tensor) -> "Seq2SeqState":
        """Return the state of some rows: see `State.keep`."""
        return Seq2SeqState(self.hidden[rows])

    def join(self, others: Sequence["Seq2SeqState"]) -> "Seq2SeqState":
        """Return one state of all rows: see `State.join`."""
        return Seq2SeqState(torch.cat([self.hidden, *(other.hidden for other in others)]))


class Seq2Seq(RecurrentEncoderDecoder):
    """Encoder and decoder, connected by the decoder's initial state alone."""

    def __init__(self, config: Seq2SeqConfig, vocabularies: Vocabularies) -> None:
        super().__init__(config, vocabularies)
        self.reverse_source = config.reverse_source

    def begin(self, source: Tensor, source_mask: Tensor) -> Seq2SeqState:
        """Return the state before the first step, of beam 1."""
        if self.reverse_source:
            source = reverse_rows(source[..., None], source_mask)[..., 0]
        _, initial = self.encode(source, source_mask)
        return Seq2SeqState(initial[:, None])

    def teacher_forced_states(self, state: Seq2SeqState, decoder_inputs: Tensor) -> Tensor:
        """Return the decoder's states, [batch, time, hidden]."""
        states: Tensor = self.decoder(self.embed_target(decoder_inputs), state.hidden[:, 0])
        return states

    def step(self, state: Seq2SeqState, ids: Tensor) -> StepOutput:
        """Read one token of each hypothesis, `ids` [rows, beam]."""
        inputs = self.decoder.project_inputs(self.embed_target(ids.flatten()))
        after = self.decoder.step(inputs, None, split_layers(state.hidden.flatten(0, 1)))
        state = Seq2SeqState(stack_layers(after).view_as(state.hidden))
        return StepOutput(self.next_logits(after[-1][0], ids), state)
