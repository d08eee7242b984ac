"""Continuous batching: rows are decoded together, and join and leave between steps.

For greedy decoding and sampling, where the hypotheses of a row never compete. A server adds a
request to the running batch, and passes new tokens on as they come:

    batch = ContinuousBatch(model.step, settings)
    [key] = batch.join(model.begin(source, mask), limits)
    for step in batch:
        for key, ids in step.ids_by_key().items():
            ...                                # one new token per hypothesis of the row
        for key, hypotheses in step.finished.items():
            ...                                # the row has left
        ...                                    # others may join here, or be cancelled

The answer of a row does not depend on its neighbors nor on the step at which it joined: padding is
never visible, and random draws follow from seed, row number and the row's own step.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from munjang.decoding.active import (
    ActiveHypotheses,
    NextTokens,
    next_state,
    predict_next,
    split_done,
    start,
)
from munjang.decoding.alone import LoneHypothesis, can_be_alone
from munjang.decoding.answers import Answers
from munjang.decoding.greedy import choose_most_likely
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.penalties import score
from munjang.decoding.sampling import sampler
from munjang.decoding.settings import DecodingSettings
from munjang.models.decoder import State, Step
from munjang.text.vocabulary import EOS

# log-probabilities [rows, hypotheses, vocabulary], random streams [rows], steps taken before [rows]
# -> ids [rows, hypotheses]
Choose = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class GeneratedStep:
    """Result of one step of a `ContinuousBatch`.

    Attributes:
        keys: of the rows that took the step, [rows].
        ids: the new token of each hypothesis, [rows, nbest]; EOS from its end on.
        finished: answers of the rows that left after this step, best first, by key.
    """

    keys: Tensor
    ids: Tensor
    finished: dict[int, list[Hypothesis]]

    def ids_by_key(self) -> dict[int, list[int]]:
        """Return the new tokens of each row by its key."""
        return dict(zip(self.keys.tolist(), self.ids.tolist(), strict=True))


class ContinuousBatch:
    """Rows that are decoded together, with `nbest` independent hypotheses each.

    Args:
        step: of a model in evaluation mode.
        settings: method greedy, sample, or beam with a beam of 1, which is greedy.
        seed: of sampling, any whole number; a join may have another one.
        with_attention: return `Hypothesis.attention`, where the model attends to a source.

    Raises:
        ValueError: `settings` ask for beam search.
    """

    def __init__(
        self,
        step: Step,
        settings: DecodingSettings,
        *,
        seed: int = 0,
        with_attention: bool = False,
    ) -> None:
        self._step = step
        self._settings = settings
        self._choose = _choice(settings)
        self._seed = seed
        self._with_attention = with_attention
        self._next_key = 0
        self._state: Any = None
        self._active: ActiveHypotheses | None = None
        # takes the steps of `_active` while there is one hypothesis
        self._lone: LoneHypothesis | None = None

    def __len__(self) -> int:
        """Return the number of active rows."""
        return 0 if self._active is None else len(self._active.keys)

    @property
    def keys(self) -> list[int]:
        """Keys of the active rows."""
        return [] if self._active is None else self._active.keys.tolist()

    @torch.inference_mode()
    def join(
        self,
        state: State,
        limits: Tensor,
        *,
        first_ids: Tensor | None = None,
        rows: Sequence[int] | None = None,
        seed: int | Sequence[int] | None = None,
    ) -> range:
        """Add rows, which take their first step with the next `step`.

        Args:
            state: of the new rows, of beam 1.
            limits: steps after which each new row is cut, [rows] int64, 1 or more.
            first_ids: the token that is read first, [rows], such as the last one of a prompt;
                None: GO.
            rows: a number per row, from which its random draws follow; None: its key.
            seed: random seed of these rows, or one per row; None: that of the batch.

        Returns:
            A key per row: numbers that count up from 0 over all joins.

        Raises:
            ValueError: an argument has another number of rows than `limits`.
        """
        keys = range(self._next_key, self._next_key + len(limits))
        if not len(limits):
            return keys
        active = start(
            state,
            limits,
            self._settings,
            first_ids=first_ids,
            keys=torch.tensor(keys, device=limits.device),
            rows=keys if rows is None else rows,
            seed=self._seed if seed is None else seed,
            with_attention=self._with_attention,
        )
        self._next_key = keys.stop
        if self._active is None:
            self._begin(state, active)
            return keys
        self._end_alone()
        beam = self._active.prefix.shape[1]
        if beam > 1:
            active = active.widen(beam)
            state = state.pick(active.keys.new_zeros(len(limits), beam))
        self._begin(self._state.join([state]), self._active.join(active))
        return keys

    @torch.inference_mode()
    def cancel(self, keys: Iterable[int]) -> None:
        """Remove rows without an answer; keys of rows that have left are ignored."""
        if self._active is None:
            return
        self._end_alone()
        cancelled = torch.tensor(sorted(set(keys)), device=self._active.keys.device)
        leaving, staying = split_done(torch.isin(self._active.keys, cancelled))
        self._go_on(self._active, self._state, None, leaving, staying)

    def step(self) -> GeneratedStep:
        """Generate one token for every hypothesis of every active row.

        Raises:
            ValueError: no row is active.
            ConfigError: a coverage penalty is set, and the model attends to no source.
            MunjangError: the model's logits are NaN or infinite.
        """
        if torch.is_inference_mode_enabled():
            return self._take_step()
        with torch.inference_mode():
            return self._take_step()

    def _take_step(self) -> GeneratedStep:
        if self._active is None:
            raise ValueError("no row is active: expected a row to join before a step")
        if self._lone is not None:
            return self._step_alone(self._lone, self._active.keys)
        output = predict_next(self._step, self._state, self._active, self._settings)
        parents = self._first_parents(self._active)
        active = self._extend(output, parents, self._active)
        is_done = (active.last_ids == EOS).all(1) | active.is_at_limit()
        if not bool(is_done.any()):
            self._active = active
            self._state = output.state if parents is None else output.state.pick(parents)
            return GeneratedStep(active.keys, active.last_ids, {})
        leaving, staying = split_done(is_done)
        finished = {}
        if len(leaving):
            finished = self._answers(active.keep(leaving))
        self._go_on(active, output.state, parents, leaving, staying)
        return GeneratedStep(active.keys, active.last_ids, finished)

    def __iter__(self) -> Iterator[GeneratedStep]:
        """Take steps until no row is active; rows may join and be cancelled in between."""
        while len(self):
            yield self.step()

    def _begin(self, state: Any, active: ActiveHypotheses) -> None:
        """Take the next steps from here."""
        self._state, self._active = state, active
        if can_be_alone(active, self._settings):
            self._lone = LoneHypothesis(active, self._settings)

    def _step_alone(self, lone: LoneHypothesis, keys: Tensor) -> GeneratedStep:
        output = self._step(self._state, lone.last_ids)
        is_done, finished = lone.extend(output.logits), {}
        self._state = output.state
        if is_done:
            finished = self._answers(lone.to_active())
            self._state = self._active = self._lone = None
        return GeneratedStep(keys, lone.last_ids, finished)

    def _end_alone(self) -> None:
        """Turn a lone hypothesis back into tensors."""
        if self._lone is not None:
            self._active, self._lone = self._lone.to_active(), None

    def _first_parents(self, active: ActiveHypotheses) -> Tensor | None:
        """Return parents of `nbest` hypotheses, which continue the only one of a new row."""
        hypotheses = self._settings.nbest
        if active.prefix.shape[1] == hypotheses:
            return None
        return active.keys.new_zeros(len(active.keys), hypotheses)

    def _extend(
        self, output: NextTokens, parents: Tensor | None, active: ActiveHypotheses
    ) -> ActiveHypotheses:
        log_probabilities = output.log_probabilities.expand(-1, self._settings.nbest, -1)
        ids = self._choose(log_probabilities, active.streams, active.steps)
        added = log_probabilities.gather(2, ids[..., None])[..., 0].double()
        if active.width and self._settings.nbest > 1:
            # a hypothesis that ended repeats EOS until its row is done, at no cost
            has_ended = active.prefix[..., -1] == EOS
            ids, added = ids.masked_fill(has_ended, EOS), added.masked_fill(has_ended, 0.0)
            if output.attention is not None:
                output.attention[:, :, -1].masked_fill_(has_ended[..., None], 0.0)
        return active.extend(output, parents, ids, active.log_probability + added)

    def _go_on(
        self,
        active: ActiveHypotheses,
        state: Any,
        parents: Tensor | None,
        leaving: Tensor,
        staying: Tensor,
    ) -> None:
        if not len(staying):
            self._state, self._active = None, None
            return
        active = active.keep(staying).without_padding() if len(leaving) else active
        self._begin(next_state(state, parents, leaving, staying), active)

    def _answers(self, active: ActiveHypotheses) -> dict[int, list[Hypothesis]]:
        """Return answers of rows that are done, by key; rows of equal length are ranked at once."""
        finished: dict[int, list[Hypothesis]] = {}
        steps = active.steps.tolist()
        for number in sorted(set(steps)):
            group = active
            if len(set(steps)) > 1:
                group = active.keep((active.steps == number).nonzero()[:, 0])
            group = group.without_padding()
            hypotheses = _rank(group, self._settings).to_hypotheses(
                group.source_lengths(), self._settings.nbest, self._with_attention
            )
            finished.update(zip(group.keys.tolist(), hypotheses, strict=True))
        return finished


def extend_independently(
    step: Step,
    state: State,
    limits: Tensor,
    settings: DecodingSettings,
    *,
    first_ids: Tensor | None = None,
    seed: int = 0,
    rows: Sequence[int] | None = None,
    with_attention: bool = False,
) -> list[list[Hypothesis]]:
    """Return `nbest` answers per row, ranked as those of beam search.

    Arguments as those of `munjang.decoding.decode.decode`.
    """
    batch = ContinuousBatch(step, settings, seed=seed, with_attention=with_attention)
    batch.join(state, limits, first_ids=first_ids, rows=rows)
    answers: list[list[Hypothesis]] = [[] for _ in range(len(limits))]
    for generated in batch:
        for key, hypotheses in generated.finished.items():
            answers[key] = hypotheses
    return answers


def _choice(settings: DecodingSettings) -> Choose:
    if settings.method == "sample":
        return sampler(settings)
    if settings.method == "beam" and settings.beam > 1:
        raise ValueError(
            f"expected method greedy or sample, got beam search with beam {settings.beam}, whose "
            "hypotheses compete; use decode()"
        )
    return choose_most_likely


def _rank(active: ActiveHypotheses, settings: DecodingSettings) -> Answers:
    has_ended = active.prefix == EOS
    # EOS counts once: see `munjang.decoding.penalties`
    length = (~has_ended).sum(2) + has_ended.any(2)
    sums = active.log_probability
    scores = score(sums, length, active.attention, active.source_mask, settings)
    return Answers(active.prefix, scores, sums, active.attention).rank(settings.nbest)
