"""An encoder-decoder that looks back at every token of the source before it says the next word.

Papers: Bahdanau et al. (2015), "Neural machine translation by jointly learning to align and
translate"; Luong et al. (2015), "Effective approaches to attention-based neural machine
translation". Use for sentences, to see which source token each word comes from, and where texts
are few. Use `transformer` instead for many and long texts, `seq2seq` to see what attention adds.
"""

from dataclasses import dataclass
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.layers.global_attention import GlobalAttention, Memory, Score
from munjang.layers.projection import Projected
from munjang.layers.recurrent_decoder import Remembered, closed, opened
from munjang.models.attention_weights import AttentionWeights
from munjang.models.encoder_decoder import Stepped, Vocabularies
from munjang.models.recurrent_pairs import RecurrentPair, RecurrentPairConfig, of_parents

Attention = Literal["general", "dot", "concat", "additive"]

_SCORES: dict[Attention, Score] = {
    "general": "general",
    "dot": "dot",
    "concat": "additive",
    "additive": "additive",
}


class AttentiveConfig(RecurrentPairConfig):
    """Settings of `attentive`."""

    name: Literal["attentive"] = "attentive"
    attention: Attention = Field(
        "general",
        description="general, dot, concat: Luong's; additive: Bahdanau's, whose context feeds the "
        "decoder's cell, so that it goes step by step",
    )
    input_feeding: bool = Field(
        False, description="join each state before the output to the next input; step by step"
    )

    @model_validator(mode="after")
    def _fed_once(self) -> Self:
        if self.attention == "additive" and self.input_feeding:
            raise ValueError(
                "input_feeding: additive attention feeds the decoder's cell already; leave "
                "input_feeding off, or choose attention: concat, which scores alike"
            )
        return self


@dataclass(frozen=True)
class AttentiveState:
    """What the decoder goes on from.

    Attributes:
        memory: of the source.
        hidden: what every layer remembers, [sentences, beam, layers, parts, hidden].
        fed: the last state before the output, [sentences, beam, hidden], at first zeros; None
            without input feeding.
    """

    memory: Memory
    hidden: Tensor
    fed: Tensor | None

    def pick(self, parents: Tensor) -> "AttentiveState":
        """The state of new hypotheses: `State.pick`."""
        fed = None if self.fed is None else of_parents(self.fed, parents)
        return AttentiveState(self.memory, of_parents(self.hidden, parents), fed)

    def keep(self, sentences: Tensor) -> "AttentiveState":
        """The state of some sentences alone: `State.keep`."""
        fed = None if self.fed is None else self.fed[sentences]
        return AttentiveState(self.memory.keep(sentences), self.hidden[sentences], fed)


@dataclass(frozen=True)
class _Moved:
    """One step of [sentences x beam] rows."""

    remembered: Remembered
    state: Tensor  # before the output, [rows, hidden]
    weights: Tensor  # [sentences, beam, source time]


class Attentive(RecurrentPair):
    """Luong's decoder, or with additive attention Bahdanau's.

    With the token's vector x, the decoder's state h, and what h takes from the source, c:

        Luong      h' = cell(x, h), with input feeding cell([x; s], h)    c = attention(h')
        Bahdanau   c = attention(h)    h' = cell([x; c], h)
        both       s' = tanh(W [c; h'])    before the output

    Without feeding, all steps of a text to learn are made at once.
    """

    def __init__(self, config: AttentiveConfig, vocabularies: Vocabularies) -> None:
        self.asks_before = config.attention == "additive"
        self.feeds = config.input_feeding
        stepwise = self.asks_before or self.feeds
        super().__init__(config, vocabularies, fed=config.hidden if stepwise else 0)
        self.stepwise = stepwise
        self.attention = GlobalAttention(_SCORES[config.attention], config.hidden)
        self.join = nn.Linear(2 * config.hidden, config.hidden, bias=False)

    def begin(self, source: Tensor, source_mask: Tensor) -> AttentiveState:
        """The state before the first step, with one hypothesis a sentence."""
        states, begin = self.encoded(source, source_mask)
        fed = states.new_zeros(len(states), 1, states.shape[2]) if self.feeds else None
        memory = self.attention.remember(states, source_mask)
        return AttentiveState(memory, begin[:, None], fed)

    def taught(self, state: AttentiveState, given: Tensor) -> Tensor:
        """States [batch, time, hidden] before the output when `given` is read from `state`."""
        return self._followed(state, given)[0]

    def step(self, state: AttentiveState, ids: Tensor) -> Stepped:
        """Read one token of each hypothesis, `ids` [sentences, beam]."""
        read = self.decoder.read(self.target_vectors(ids.flatten()))
        fed = None if state.fed is None else state.fed.flatten(0, 1)
        moved = self._moved(state.memory, read, fed, opened(state.hidden.flatten(0, 1)))
        after = AttentiveState(
            state.memory,
            closed(moved.remembered).view_as(state.hidden),
            None if state.fed is None else moved.state.view_as(state.fed),
        )
        return Stepped(self.next_logits(moved.state, ids), after, moved.weights)

    def forward_with_attention(
        self, source: Tensor, source_mask: Tensor, given: Tensor, given_mask: Tensor
    ) -> tuple[Projected, list[AttentionWeights]]:
        """Project as `forward` without scheduled sampling, with the weights of the one head."""
        states, weights = self._followed(self.begin(source, source_mask), given)
        weights = weights.masked_fill(~given_mask[..., None], 0.0)[:, None]
        projected = self.projected(states[given_mask])
        return projected, [AttentionWeights("cross", 0, weights)]

    def _followed(self, state: AttentiveState, given: Tensor) -> tuple[Tensor, Tensor]:
        """States before the output [batch, time, hidden], weights [batch, time, source time]."""
        vectors = self.target_vectors(given)
        if self.stepwise:
            return self._step_by_step(state, vectors)
        hidden = self.decoder(vectors, state.hidden[:, 0])
        context, weights = self.attention(hidden, state.memory)
        return self._joined(context, hidden), weights

    def _step_by_step(self, state: AttentiveState, vectors: Tensor) -> tuple[Tensor, Tensor]:
        remembered = opened(state.hidden[:, 0])
        fed = None if state.fed is None else state.fed[:, 0]
        drawn = self.decoder.drawn(len(vectors), vectors)
        states, weights = [], []
        # unbound at once: the gradient of a slice would be as large as all steps together
        for read in self.decoder.read(vectors).unbind(1):
            moved = self._moved(state.memory, read, fed, remembered, drawn)
            remembered = moved.remembered
            fed = moved.state if self.feeds else None
            states.append(moved.state)
            weights.append(moved.weights)
        return torch.stack(states, dim=1), torch.cat(weights, dim=1)

    def _moved(
        self,
        memory: Memory,
        read: Tensor,
        fed: Tensor | None,
        before: Remembered,
        drawn: list[Tensor] | None = None,
    ) -> _Moved:
        """One token of every row [sentences x beam], with as many rows a sentence as there are."""
        if self.asks_before:
            fed, weights = self._asked(memory, before[-1][0])
            after = self.decoder.step(read, fed, before, drawn)
            return _Moved(after, self._joined(fed, after[-1][0]), weights)
        after = self.decoder.step(read, fed, before, drawn)
        context, weights = self._asked(memory, after[-1][0])
        return _Moved(after, self._joined(context, after[-1][0]), weights)

    def _asked(self, memory: Memory, queries: Tensor) -> tuple[Tensor, Tensor]:
        """What `queries` [rows, hidden] take, [rows, hidden], and by which weights."""
        sentences = len(memory.states)
        beam = len(queries) // max(1, sentences)
        context, weights = self.attention(queries.view(sentences, beam, queries.shape[1]), memory)
        return context.flatten(0, 1), weights

    def _joined(self, context: Tensor, hidden: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat([context, hidden], dim=-1))
        return joined.tanh()
