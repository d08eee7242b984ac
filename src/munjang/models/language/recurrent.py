"""Base of the recurrent language models `rnn`, `lstm` and `gru`, which differ in the cell only.

Mikolov et al. (2010), "Recurrent neural network based language model". In training the state is
carried from batch to batch, without its gradient (truncated back-propagation through time).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from munjang.config import DEEPEST, WIDEST
from munjang.layers.beams import pick_hypotheses
from munjang.layers.carried_recurrent import CarriedRecurrent
from munjang.layers.projection import Projected
from munjang.layers.recurrent import Cell
from munjang.models.decoder import StepOutput
from munjang.models.language.model import (
    LanguageModel,
    LanguageModelConfig,
    losses_of,
    pad_previous,
)

# Long texts are scored in so many parts side by side. Each begins in the state after so many of
# the tokens before it.
_PARTS, _WARM_UP = 64, 256
# Tokens of each part that are read at a time.
_CHUNK = 64
# Tokens of all prompts that are read at a time.
_PROMPT_TOKENS = 2**14


class RecurrentLanguageConfig(LanguageModelConfig):
    """Settings of every recurrent language model."""

    hidden_dim: int = Field(256, ge=1, le=WIDEST, description="width of the hidden state")
    layers: int = Field(1, ge=1, le=DEEPEST, description="number of stacked layers")

    @property
    def evaluated_context(self) -> str:
        """Tokens that a token of a text is predicted from in an evaluation, in words."""
        return (
            f"all tokens before it; in a text of {_PARTS * _WARM_UP:,} tokens or more, from "
            f"{_WARM_UP} or more of them"
        )

    def encoder_settings(self) -> dict[str, Any]:
        """Return the settings of the encoder of the same name that the weights determine."""
        return {
            "dim": self.dim,
            "hidden_dim": self.hidden_dim,
            "layers": self.layers,
            "directions": 1,
            "ngrams": self.ngrams,
            "ngram_buckets": self.table_rows,
            "ngram_min_frequency": 1,
            "ngrams_end": True,
            "subword_ngrams": 0,
        }


@dataclass(frozen=True)
class RecurrentLanguageState:
    """State of a recurrent language model.

    Attributes:
        hidden: state of every layer, [rows, beam, layers, parts, hidden].
        previous: the last tokens that were read, [rows, beam, before].
    """

    hidden: Tensor
    previous: Tensor

    def pick(self, parents: Tensor) -> "RecurrentLanguageState":
        """Return the state of new hypotheses: see `State.pick`."""
        return RecurrentLanguageState(
            pick_hypotheses(self.hidden, parents), pick_hypotheses(self.previous, parents)
        )

    def keep(self, rows: Tensor) -> "RecurrentLanguageState":
        """Return the state of some rows: see `State.keep`."""
        return RecurrentLanguageState(self.hidden[rows], self.previous[rows])

    def join(self, others: Sequence["RecurrentLanguageState"]) -> "RecurrentLanguageState":
        """Return one state of all rows: see `State.join`."""
        states = [self, *others]
        return RecurrentLanguageState(
            torch.cat([state.hidden for state in states]),
            torch.cat([state.previous for state in states]),
        )


class RecurrentLanguageModel(LanguageModel):
    """Stacked recurrent layers over token vectors, left to right.

    Attributes:
        carried: the state after the last batch of training, see
            `munjang.training.state.CarriesState`.
        encoder_modules: see `munjang.models.encoder_source`.
    """

    encoder_modules: ClassVar[tuple[str, ...]] = ("embedding", "recurrent")

    def __init__(self, cell: Cell, config: RecurrentLanguageConfig, vocabulary_size: int) -> None:
        super().__init__(config, vocabulary_size, config.hidden_dim)
        self.recurrent = CarriedRecurrent(
            cell, config.dim, config.hidden_dim, layers=config.layers, dropout=config.dropout
        )
        self.carried: dict[str, Tensor] = {}

    def forward(self, ids: Tensor, previous: Tensor, begins: Tensor) -> Projected:
        """Predict the token after each of `ids` [batch, time].

        Args:
            ids: tokens that continue those of the batch before, unless `begins`.
            previous: the tokens before them, [batch, `before`].
            begins: True if the state of the batch before is of other rows, [] bool.

        Returns:
            States [batch x time, dim] with the output layer.
        """
        state = self.carried.get("state")
        if state is None or bool(begins) or len(state) != len(ids):
            state = self.recurrent.zero_state(len(ids))
        states, end = self.recurrent(self.token_vectors(ids, previous), state)
        if self.training:
            self.carried = {"state": end.detach()}
        return self.project(states.flatten(0, 1))

    def begin(self, rows: int) -> RecurrentLanguageState:
        """Return the state before the first token of `rows` texts, of beam 1."""
        hidden = self.recurrent.zero_state(rows)
        ids = torch.zeros(0, dtype=torch.int64, device=hidden.device)
        return RecurrentLanguageState(
            hidden[:, None], pad_previous(rows, self.before, ids)[:, None]
        )

    def read(
        self, state: RecurrentLanguageState, ids: Tensor
    ) -> tuple[Projected, RecurrentLanguageState]:
        """Read tokens of every row at once.

        Args:
            state: of beam 1.
            ids: [rows, time].

        Returns:
            States [rows x time, dim] with the output layer, and the state after them.
        """
        previous = state.previous[:, 0]
        states, end = self.recurrent(self.token_vectors(ids, previous), state.hidden[:, 0])
        after = RecurrentLanguageState(end[:, None], self.remember(previous, ids)[:, None])
        return self.project(states.flatten(0, 1)), after

    def read_prompts(self, prompts: Sequence[Tensor]) -> RecurrentLanguageState:
        """Return the state after the tokens of prompts, [tokens] int64 each.

        All are read together, up to the end of the shortest one, which leaves; the others go on.
        """
        lengths = torch.tensor([len(ids) for ids in prompts], device=prompts[0].device)
        order = lengths.argsort()
        reading = [prompts[row] for row in order.tolist()]
        state, place, ended = self.begin(len(reading)), 0, []
        for end in sorted({len(ids) for ids in prompts}):
            while place < end:
                stop = min(end, place + max(1, _PROMPT_TOKENS // len(reading)))
                _, state = self.read(state, torch.stack([ids[place:stop] for ids in reading]))
                place = stop
            rows = torch.arange(len(reading), device=lengths.device)
            count = sum(len(ids) == end for ids in reading)
            ended.append(state.keep(rows[:count]))
            state, reading = state.keep(rows[count:]), reading[count:]
        return ended[0].join(ended[1:]).keep(order.argsort())

    def step(self, state: RecurrentLanguageState, ids: Tensor) -> StepOutput:
        """Read one token of each hypothesis, `ids` [rows, beam]."""
        rows, beam = ids.shape
        flat = RecurrentLanguageState(
            state.hidden.flatten(0, 1)[:, None], state.previous.flatten(0, 1)[:, None]
        )
        projected, after = self.read(flat, ids.reshape(-1, 1))
        return StepOutput(
            projected.logits().view(rows, beam, -1),
            RecurrentLanguageState(
                after.hidden.view(rows, beam, *after.hidden.shape[2:]),
                after.previous.view(rows, beam, -1),
            ),
        )

    def read_vectors(self, vectors: Tensor) -> Tensor:
        """Return the states [batch, time, hidden] of token vectors that begin a text."""
        states: Tensor = self.recurrent(vectors, self.recurrent.zero_state(len(vectors)))[0]
        return states

    def negative_log_likelihoods(self, ids: Tensor) -> Tensor:
        """Return that of each token but the first of a text, [tokens - 1].

        A text of up to 16,384 tokens is read from its beginning to its end. A longer one is read
        in 64 parts side by side; the state at the beginning of a part is that after the 256 tokens
        before it, read from zero.
        """
        count = len(ids) - 1
        if count < _PARTS * _WARM_UP:
            return self._read_parts(ids[None], 0)[0]
        length = -(-count // _PARTS)
        starts = torch.arange(_PARTS, device=ids.device) * length
        places = starts[:, None] + torch.arange(-_WARM_UP, length + 1, device=ids.device)
        # the first part has no tokens before it: those of its beginning stand in, and what follows
        # is read again from zero
        losses = self._read_parts(ids[places.clamp(0, count)], _WARM_UP)
        losses[0] = self._read_parts(ids[None, : length + 1], 0)[0]
        return losses.flatten()[:count]

    def _read_parts(self, ids: Tensor, warm_up: int) -> Tensor:
        """Return losses [rows, time - 1 - warm up] of `ids` [rows, time], read from zero."""
        state = self.begin(len(ids))
        losses = []
        for start in range(0, ids.shape[1] - 1, _CHUNK):
            end = min(start + _CHUNK, ids.shape[1] - 1)
            projected, state = self.read(state, ids[:, start:end])
            targets = ids[:, start + 1 : end + 1]
            losses.append(losses_of(projected, targets.flatten()).view_as(targets))
        return torch.cat(losses, dim=1)[:, warm_up:]
