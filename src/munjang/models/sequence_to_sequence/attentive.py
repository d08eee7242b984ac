"""Recurrent encoder-decoder with attention to every token of the source.

Papers: Bahdanau et al. (2015), "Neural machine translation by jointly learning to align and
translate"; Luong et al. (2015), "Effective approaches to attention-based neural machine
translation". Use for sentences, to see which source token each word comes from, and where pairs
are few. Use `transformer` instead for many and long texts, `seq2seq` to see what attention adds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.layers.beams import pick_hypotheses
from munjang.layers.global_attention import EncoderKeysValues, GlobalAttention, Score
from munjang.layers.projection import Projected
from munjang.layers.recurrent_decoder import LayerStates, split_layers, stack_layers
from munjang.models.attention_weights import AttentionWeights
from munjang.models.decoder import StepOutput
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.models.sequence_to_sequence.recurrent import (
    RecurrentEncoderDecoder,
    RecurrentEncoderDecoderConfig,
)

Attention = Literal["general", "dot", "concat", "additive"]

_SCORES: dict[Attention, Score] = {
    "general": "general",
    "dot": "dot",
    "concat": "additive",
    "additive": "additive",
}


class AttentiveConfig(RecurrentEncoderDecoderConfig):
    """Settings of `attentive`."""

    name: Literal["attentive"] = "attentive"
    attention: Attention = Field(
        "general",
        description="general, dot, concat: Luong's scores; additive: Bahdanau's, whose context is "
        "an input of the decoder's cell, so that training goes step by step",
    )
    input_feeding: bool = Field(
        False,
        description="concatenate the last attentional state to the next decoder input (Luong et "
        "al. 2015); training goes step by step",
    )

    @model_validator(mode="after")
    def _context_is_fed_once(self) -> Self:
        if self.attention == "additive" and self.input_feeding:
            raise ValueError(
                "input_feeding: additive attention feeds the decoder's cell already; leave "
                "input_feeding off, or choose attention: concat, which has the same scores"
            )
        return self


@dataclass(frozen=True)
class AttentiveState:
    """State of the decoder.

    Attributes:
        encoder: keys and values of the source, once per row.
        hidden: state of every layer, [rows, beam, layers, parts, hidden].
        attentional: with input feeding, the last attentional state, [rows, beam, hidden], zeros
            before the first step; None without.
    """

    encoder: EncoderKeysValues
    hidden: Tensor
    attentional: Tensor | None

    @property
    def source_mask(self) -> Tensor:
        """Real tokens of each row's source, [rows, source time]."""
        return self.encoder.mask

    def pick(self, parents: Tensor) -> "AttentiveState":
        """Return the state of new hypotheses: see `State.pick`."""
        last = self.attentional
        attentional = None if last is None else pick_hypotheses(last, parents)
        return AttentiveState(self.encoder, pick_hypotheses(self.hidden, parents), attentional)

    def keep(self, rows: Tensor) -> "AttentiveState":
        """Return the state of some rows: see `State.keep`."""
        attentional = None if self.attentional is None else self.attentional[rows]
        return AttentiveState(self.encoder.keep(rows), self.hidden[rows], attentional)

    def join(self, others: Sequence["AttentiveState"]) -> "AttentiveState":
        """Return one state of all rows: see `State.join`."""
        states = [self, *others]
        attentional = [s.attentional for s in states if s.attentional is not None]
        return AttentiveState(
            self.encoder.join([other.encoder for other in others]),
            torch.cat([state.hidden for state in states]),
            torch.cat(attentional) if attentional else None,
        )


@dataclass(frozen=True)
class _DecoderStep:
    """Result of one step of [rows x beam] hypotheses."""

    layers: LayerStates
    attentional: Tensor  # [rows x beam, hidden]
    weights: Tensor  # [rows, beam, source time]


class Attentive(RecurrentEncoderDecoder):
    """Luong's decoder, or with additive attention Bahdanau's.

    With the token's vector x, the decoder's state h, the context c that h attends to, and the
    attentional state s, which the output layer reads:

        Luong      h' = cell(x, h), with input feeding cell([x; s], h)    c = attention(h')
        Bahdanau   c = attention(h)    h' = cell([x; c], h)
        both       s' = tanh(W [c; h'])

    Where no step feeds the next one's input, teacher forcing computes all steps at once.
    """

    def __init__(self, config: AttentiveConfig, vocabularies: Vocabularies) -> None:
        self.attends_before_cell = config.attention == "additive"
        self.has_input_feeding = config.input_feeding
        is_stepwise = self.attends_before_cell or self.has_input_feeding
        super().__init__(config, vocabularies, extra_dim=config.hidden_dim if is_stepwise else 0)
        self.is_stepwise = is_stepwise
        self.attention = GlobalAttention(_SCORES[config.attention], config.hidden_dim)
        self.combine = nn.Linear(2 * config.hidden_dim, config.hidden_dim, bias=False)

    def begin(self, source: Tensor, source_mask: Tensor) -> AttentiveState:
        """Return the state before the first step, of beam 1."""
        states, initial = self.encode(source, source_mask)
        zeros = None
        if self.has_input_feeding:
            zeros = states.new_zeros(len(states), 1, states.shape[2])
        encoder = self.attention.project_keys_values(states, source_mask)
        return AttentiveState(encoder, initial[:, None], zeros)

    def teacher_forced_states(self, state: AttentiveState, decoder_inputs: Tensor) -> Tensor:
        """Return the attentional states, [batch, time, hidden]."""
        return self._teacher_forced(state, decoder_inputs)[0]

    def step(self, state: AttentiveState, ids: Tensor) -> StepOutput:
        """Read one token of each hypothesis, `ids` [rows, beam]."""
        inputs = self.decoder.project_inputs(self.embed_target(ids.flatten()))
        fed = None if state.attentional is None else state.attentional.flatten(0, 1)
        layers = split_layers(state.hidden.flatten(0, 1))
        output = self._step(state.encoder, inputs, fed, layers)
        after = AttentiveState(
            state.encoder,
            stack_layers(output.layers).view_as(state.hidden),
            None if state.attentional is None else output.attentional.view_as(state.attentional),
        )
        return StepOutput(self.next_logits(output.attentional, ids), after, output.weights)

    def forward_with_attention(
        self, source: Tensor, source_mask: Tensor, decoder_inputs: Tensor, decoder_mask: Tensor
    ) -> tuple[Projected, list[AttentionWeights]]:
        """Project as `forward` without scheduled sampling, with the weights of the one head."""
        states, weights = self._teacher_forced(self.begin(source, source_mask), decoder_inputs)
        weights = weights.masked_fill(~decoder_mask[..., None], 0.0)[:, None]
        return self.project(states[decoder_mask]), [AttentionWeights("cross", 0, weights)]

    def _teacher_forced(
        self, state: AttentiveState, decoder_inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return attentional states [batch, time, hidden], weights [batch, time, source time]."""
        vectors = self.embed_target(decoder_inputs)
        if self.is_stepwise:
            return self._teacher_forced_stepwise(state, vectors)
        hidden = self.decoder(vectors, state.hidden[:, 0])
        context, weights = self.attention(hidden, state.encoder)
        return self._combine(context, hidden), weights

    def _teacher_forced_stepwise(
        self, state: AttentiveState, vectors: Tensor
    ) -> tuple[Tensor, Tensor]:
        layers = split_layers(state.hidden[:, 0])
        fed = None if state.attentional is None else state.attentional[:, 0]
        dropout = self.decoder.draw_dropout(len(vectors), vectors)
        states, weights = [], []
        # unbound at once: the gradient of a slice would be as large as all steps together
        for inputs in self.decoder.project_inputs(vectors).unbind(1):
            output = self._step(state.encoder, inputs, fed, layers, dropout)
            layers = output.layers
            fed = output.attentional if self.has_input_feeding else None
            states.append(output.attentional)
            weights.append(output.weights)
        return torch.stack(states, dim=1), torch.cat(weights, dim=1)

    def _step(
        self,
        encoder: EncoderKeysValues,
        inputs: Tensor,
        fed: Tensor | None,
        before: LayerStates,
        dropout: list[Tensor] | None = None,
    ) -> _DecoderStep:
        """Read one token of every hypothesis, `inputs` [rows x beam, gates x hidden]."""
        if self.attends_before_cell:
            context, weights = self._attend(encoder, before[-1][0])
            after = self.decoder.step(inputs, context, before, dropout)
            return _DecoderStep(after, self._combine(context, after[-1][0]), weights)
        after = self.decoder.step(inputs, fed, before, dropout)
        context, weights = self._attend(encoder, after[-1][0])
        return _DecoderStep(after, self._combine(context, after[-1][0]), weights)

    def _attend(self, encoder: EncoderKeysValues, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Return the context of `queries`, both [rows x beam, hidden], and the weights."""
        rows = len(encoder.values)
        beam = len(queries) // max(1, rows)
        context, weights = self.attention(queries.view(rows, beam, queries.shape[1]), encoder)
        return context.flatten(0, 1), weights

    def _combine(self, context: Tensor, hidden: Tensor) -> Tensor:
        combined: Tensor = self.combine(torch.cat([context, hidden], dim=-1))
        return combined.tanh()
