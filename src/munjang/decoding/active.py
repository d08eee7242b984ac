"""Active hypotheses, and one step of the model for all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from munjang.decoding.constraints import mask_forbidden
from munjang.decoding.sampling import random_streams
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError, MunjangError
from munjang.layers.beams import join_rows, pick_hypotheses
from munjang.models.decoder import AttendsToSource, State, Step
from munjang.text.vocabulary import GO


@dataclass(frozen=True)
class ActiveHypotheses:
    """[rows, beam] hypotheses of the rows that are not done.

    Rows that joined at different steps have prefixes of different lengths. Shorter ones begin with
    PAD (and attention of 0), so that every row's next token is the next column.

    Attributes:
        prefix: tokens generated so far, [rows, beam, time], without GO and prompt.
        last_ids: the token that the model reads next, [rows, beam].
        log_probability: of the prefix, [rows, beam] float64; -inf where there is no hypothesis.
        attention: [rows, beam, time, source time]; None where it is not kept.
        source_mask: [rows, source time]; None where the model attends to no source.
        steps: tokens of each prefix, [rows] int64.
        limits: steps after which each row is cut, [rows] int64.
        keys: by which the caller knows each row, [rows] int64.
        streams: from which the random draws of each row follow, [rows] int64.
    """

    prefix: Tensor
    last_ids: Tensor
    log_probability: Tensor
    attention: Tensor | None
    source_mask: Tensor | None
    steps: Tensor
    limits: Tensor
    keys: Tensor
    streams: Tensor

    @property
    def width(self) -> int:
        """Steps of the oldest row."""
        return self.prefix.shape[2]

    def is_at_limit(self) -> Tensor:
        """Return which rows may not grow, [rows]."""
        return self.limits <= self.steps

    def extend(
        self, output: "NextTokens", parents: Tensor | None, ids: Tensor, log_probability: Tensor
    ) -> "ActiveHypotheses":
        """Return new hypotheses, each one token longer than its parent.

        Args:
            output: of the step.
            parents: [rows, new beam]; None: each hypothesis continues itself.
            ids: the new tokens, [rows, new beam].
            log_probability: of the new hypotheses, [rows, new beam].
        """
        prefix, attention = self.prefix, output.attention
        if parents is not None:
            prefix = pick_hypotheses(prefix, parents)
            attention = None if attention is None else pick_hypotheses(attention, parents)
        return ActiveHypotheses(
            prefix=torch.cat([prefix, ids[..., None]], dim=2),
            last_ids=ids,
            log_probability=log_probability,
            attention=attention,
            source_mask=self.source_mask,
            steps=self.steps + 1,
            limits=self.limits,
            keys=self.keys,
            streams=self.streams,
        )

    def keep(self, rows: Tensor) -> "ActiveHypotheses":
        """Return the hypotheses of some rows, `rows` [kept] int64."""
        return ActiveHypotheses(
            prefix=self.prefix[rows],
            last_ids=self.last_ids[rows],
            log_probability=self.log_probability[rows],
            attention=None if self.attention is None else self.attention[rows],
            source_mask=None if self.source_mask is None else self.source_mask[rows],
            steps=self.steps[rows],
            limits=self.limits[rows],
            keys=self.keys[rows],
            streams=self.streams[rows],
        )

    def without_padding(self) -> "ActiveHypotheses":
        """Drop columns before the prefix of the oldest row."""
        unused = self.width - int(self.steps.max()) if len(self.steps) else 0
        if not unused:
            return self
        attention = None if self.attention is None else self.attention[:, :, unused:]
        return replace(self, prefix=self.prefix[:, :, unused:], attention=attention)

    def widen(self, beam: int) -> "ActiveHypotheses":
        """Return `beam` copies of the only hypothesis of each row."""
        return replace(
            self,
            prefix=self.prefix.expand(-1, beam, -1),
            last_ids=self.last_ids.expand(-1, beam),
            log_probability=self.log_probability.expand(-1, beam),
            attention=None if self.attention is None else self.attention.expand(-1, beam, -1, -1),
        )

    def join(self, other: "ActiveHypotheses") -> "ActiveHypotheses":
        """Return the rows of both, in this order; both have the same beam."""
        pair = [self, other]
        attention = [each.attention for each in pair if each.attention is not None]
        if attention:
            time = max(weights.shape[2] for weights in attention)
            attention = [
                torch.cat([w.new_zeros(*w.shape[:2], time - w.shape[2], w.shape[3]), w], dim=2)
                for w in attention
            ]
        masks = [each.source_mask for each in pair if each.source_mask is not None]
        return ActiveHypotheses(
            prefix=join_rows([each.prefix for each in pair], 2, left=True),
            last_ids=torch.cat([each.last_ids for each in pair]),
            log_probability=torch.cat([each.log_probability for each in pair]),
            attention=join_rows(attention, 3) if attention else None,
            source_mask=join_rows(masks) if masks else None,
            steps=torch.cat([each.steps for each in pair]),
            limits=torch.cat([each.limits for each in pair]),
            keys=torch.cat([each.keys for each in pair]),
            streams=torch.cat([each.streams for each in pair]),
        )

    def source_lengths(self) -> Tensor | None:
        """Return the real source tokens of each row, [rows]; None: there is no source."""
        return None if self.source_mask is None else self.source_mask.sum(1)


@dataclass(frozen=True)
class NextTokens:
    """Result of one step for all active hypotheses.

    Attributes:
        log_probabilities: of the next token, [rows, beam, vocabulary]; -inf where a token is
            forbidden. The others keep their values: nothing is normalized again.
        state: after the token that was read.
        attention: [rows, beam, time + 1, source time], this step's last; None where it is not
            kept.
    """

    log_probabilities: Tensor
    state: Any
    attention: Tensor | None


def start(
    state: State,
    limits: Tensor,
    settings: DecodingSettings,
    *,
    first_ids: Tensor | None = None,
    keys: Tensor | None = None,
    rows: Sequence[int] | None = None,
    seed: int | Sequence[int] = 0,
    with_attention: bool = False,
) -> ActiveHypotheses:
    """Return one empty hypothesis per row of `state`.

    Args:
        state: of beam 1.
        limits: steps after which each row is cut, [rows] int64, on the device of the model.
        settings: a coverage penalty needs attention.
        first_ids: the token that each row's model reads first, [rows]; None: GO.
        keys: by which the caller knows each row, [rows]; None: its place.
        rows: a number per row, from which its random draws follow; None: its place.
        seed: of the random draws, any whole number, or one per row.
        with_attention: keep the attention to the source.

    Raises:
        ValueError: `limits`, `first_ids` and `rows` differ in length, or a limit is below 1.
    """
    count, device = len(limits), limits.device
    if rows is not None and len(rows) != count:
        raise ValueError(f"expected one row number per row, {count}, got {len(rows)}")
    if first_ids is not None and len(first_ids) != count:
        raise ValueError(f"expected one first id per row, {count}, got {len(first_ids)}")
    if count and int(limits.min()) < 1:
        raise ValueError(f"expected limits of 1 step or more, got {int(limits.min())}")
    source_mask = state.source_mask if isinstance(state, AttendsToSource) else None
    attention = None
    if source_mask is not None and (with_attention or settings.coverage_penalty):
        attention = torch.zeros(count, 1, 0, source_mask.shape[1], device=device)
    places = torch.arange(count, device=device)
    numbers = np.arange(count) if rows is None else np.array(rows, dtype=np.int64)
    return ActiveHypotheses(
        prefix=torch.zeros(count, 1, 0, dtype=torch.int64, device=device),
        last_ids=torch.full_like(places, GO)[:, None] if first_ids is None else first_ids[:, None],
        log_probability=torch.zeros(count, 1, dtype=torch.float64, device=device),
        attention=attention,
        source_mask=source_mask,
        steps=torch.zeros_like(places),
        limits=limits,
        keys=places if keys is None else keys,
        streams=torch.from_numpy(random_streams(seed, numbers)).to(device),
    )


def predict_next(
    step: Step, state: Any, active: ActiveHypotheses, settings: DecodingSettings
) -> NextTokens:
    """Let the model read the last token of each hypothesis.

    Raises:
        ConfigError: a coverage penalty is set, and the model attends to no source.
        MunjangError: the model's logits are NaN or infinite.
    """
    output = step(state, active.last_ids)
    # a new tensor, in which forbidden tokens can be masked in place
    log_probabilities = output.logits.log_softmax(-1, dtype=torch.float32)
    if math.isnan(float(log_probabilities.sum())):
        is_broken = log_probabilities.isnan().any(-1)
        number = int(active.steps[is_broken.any(1)].min()) + 1
        raise broken_weights(number)
    mask_forbidden(log_probabilities, active.prefix, active.steps, settings)
    attention = None
    if active.attention is not None and output.attention is not None:
        weights = output.attention[:, :, None].to(active.attention.dtype)
        attention = torch.cat([active.attention, weights], dim=2)
    elif settings.coverage_penalty:
        raise ConfigError(
            f"decoding.coverage_penalty is {settings.coverage_penalty:g}, but this model attends "
            "to nothing, so no coverage can be counted; set it to 0, or take a model with attention"
        )
    return NextTokens(log_probabilities, output.state, attention)


def broken_weights(step: int) -> MunjangError:
    """Return the error of logits that are NaN or infinite at a step, counted from 1."""
    return MunjangError(
        f"expected logits that are numbers, got NaN or infinity at step {step} of "
        "decoding: the weights are broken; train again with a smaller learning_rate"
    )


def split_done(is_done: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows that leave and the rows that stay, both int64, of `is_done` [rows]."""
    return is_done.nonzero()[:, 0], (~is_done).nonzero()[:, 0]


def next_state(state: Any, parents: Tensor | None, leaving: Tensor, staying: Tensor) -> Any:
    """Return the state of the new hypotheses of the rows that stay.

    Args:
        state: of all rows.
        parents: [rows, new beam]; None: each hypothesis continues itself.
        leaving: of `split_done`.
        staying: of `split_done`.
    """
    if not len(staying):
        return state
    if len(leaving):
        state = state.keep(staying)
        parents = None if parents is None else parents[staying]
    return state if parents is None else state.pick(parents)
