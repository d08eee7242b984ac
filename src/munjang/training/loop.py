"""The training loop, from batch to best checkpoint: a generator of optimizer steps.

Epochs of shuffled batches; per step the loss, its gradients and the optimizer at the scheduled
learning rate; several validation runs per epoch, from which `munjang.training.selection` keeps the
best checkpoint. Whoever consumes the steps draws, logs and saves (`munjang.training.run`).

Every random choice of a step follows from the seed and the step's number alone, so that a resumed
run takes the same steps as an uninterrupted one.
"""

import math
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from munjang.data.dataset import AnyBatch, Dataset
from munjang.data.order import order_batches
from munjang.layers.randomness import use_generator
from munjang.memory import HeapTrimmer
from munjang.reporting import pluralize
from munjang.tasks.task import TaskScores, TrainableTask
from munjang.training.members import MemberLosses
from munjang.training.optimizers import clip_gradients
from munjang.training.schedules import CLOCK, learning_rate_factor
from munjang.training.selection import CheckpointSelector
from munjang.training.settings import TrainingSettings
from munjang.training.state import TrainingState
from munjang.training.workers import ALONE, Workers
from munjang.units import format_duration

# Steps between two checks for non-finite weights.
_DIVERGENCE_CHECK_STEPS = 10
# Largest share of the seconds of a run with a budget that validation runs take, the first and the
# last one aside.
VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Step:
    """One optimizer step.

    Attributes:
        number: number of the step, from 1.
        total: steps of the whole run, if nothing stops it early; of a run with a budget of
            seconds an estimate from the steps so far.
        epoch: number of the epoch, from 1.
        loss: loss of the batch, in the unit of the task's loss.
        learning_rate_factor: factor of the peak learning rates.
        tokens: size of the batch in `unit`, without padding.
        scores: scores on the validation data, if the step ended with a validation run.
        is_best: True if these scores are the best so far.
        unit: what `tokens` counts.
        metric: name of the selection metric, a key of `scores.metrics`.
        progress: share of the run that is done, 0 to 1.
        budget: seconds of a run with a budget of seconds, else None.
    """

    number: int
    total: int
    epoch: int
    loss: float
    learning_rate_factor: float
    tokens: int
    scores: TaskScores | None = None
    is_best: bool = False
    unit: str = "tokens"
    metric: str = "accuracy"
    progress: float = 0.0
    budget: float | None = None


class DrawsTargets(Protocol):
    """A task that draws part of a batch at random in every step, e.g. masks tokens to predict.

    It is optional: the loop calls `draw_targets` of tasks that have it.
    """

    def draw_targets(
        self, batch: AnyBatch, generator: torch.Generator, progress: float
    ) -> AnyBatch:
        """Return the batch with inputs and targets drawn from `generator`.

        The generator is on the batch's device. It is seeded from the run's seed and the number of
        the step, and the network's dropout continues with it. `progress` is the share of the run
        that is done, 0 to 1.
        """


class Loop:
    """Trains `state.model` on `train` and keeps the checkpoint that is best on `valid`.

    Args:
        state: fresh or restored.
        task: computes loss and scores.
        train: training data, with targets.
        valid: validation data, with targets.
        settings: settings of the training.
        seed: seed of batches, dropout and drawn targets.
        workers: the processes that take each step together; every one of them has such a loop.

    Attributes:
        has_workers: whether several workers can take a step together.
    """

    has_workers: ClassVar[bool] = True

    def __init__(
        self,
        state: TrainingState,
        task: TrainableTask,
        train: Dataset,
        valid: Dataset,
        settings: TrainingSettings,
        seed: int,
        workers: Workers = ALONE,
    ) -> None:
        self.state = state
        self.task = task
        self.train = train
        self.valid = valid
        self.settings = settings
        self.seed = seed
        self.workers = workers
        self.order = order_batches(train, settings.bucketing(), seed)
        # listed once: walking a model's modules costs as much as a small model's forward pass
        self.parameters = list(state.model.parameters())
        self.generator = torch.Generator(settings.device)
        self.member_losses = MemberLosses(len(train), settings.ensemble_leave_out, seed)
        self.budget = settings.budget_seconds
        self._epoch_starts = self._find_epoch_starts()
        self.total = min(self._epoch_starts[-1], settings.max_steps or sys.maxsize)
        if self.budget is not None:
            self.total = sys.maxsize  # the clock ends it
        self.selector = CheckpointSelector(
            state, settings, lambda: self.validate(), lambda: self.progress, self.describe_position
        )

    @classmethod
    def check_recipe(cls, recipe: Any) -> None:
        """Refuse settings that the engine does not have.

        Raises:
            ValueError: naming the setting.
        """

    @property
    def remarks(self) -> list[str]:
        """Lines for people on how this engine trains."""
        return []

    @property
    def facts(self) -> dict[str, Any]:
        """Entries of the engine in `metrics.json`."""
        return self.workers.facts

    def _find_epoch_starts(self) -> list[int]:
        """Return the first step of each epoch that is begun, and the number of all steps."""
        starts, limit = [0], self.settings.max_steps or sys.maxsize
        for epoch in range(self.settings.epochs if self.budget is None else 1):
            starts.append(starts[-1] + self.order.steps(epoch))
            if starts[-1] >= limit:
                break
        return starts

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the first epoch; under a token budget others differ by a batch or so."""
        return self._epoch_starts[1]

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1: of its steps, or of its budget of seconds."""
        counters = self.state.counters
        if self.budget is None:
            return counters.step / max(1, self.total)
        return min(1.0, counters.seconds / self.budget)

    @property
    def length(self) -> str:
        """Length of the whole run: its steps, or its budget of seconds."""
        if self.budget is None:
            return pluralize(self.total, "step")
        return f"a budget of {format_duration(self.budget)}"

    def describe_position(self) -> str:
        """Return the present step, and the length of the run."""
        counters = self.state.counters
        if self.budget is None:
            return f"step {counters.step:,} of {self.total:,}"
        spent, budget = format_duration(counters.seconds), format_duration(self.budget)
        return f"step {counters.step:,}, {spent} of {budget}"

    def count_epochs(self, step: int) -> float:
        """Return the number of epochs done after `step` steps."""
        while self.budget is not None and step >= self._epoch_starts[-1]:
            self._begin_epoch()
        epoch = bisect_right(self._epoch_starts, step) - 1
        if epoch == len(self._epoch_starts) - 1:
            return float(epoch)
        start, end = self._epoch_starts[epoch], self._epoch_starts[epoch + 1]
        return epoch + (step - start) / (end - start)

    def _begin_epoch(self) -> None:
        """Add one more epoch to those of a run that a budget ends."""
        steps = self.order.steps(len(self._epoch_starts) - 1)
        self._epoch_starts.append(self._epoch_starts[-1] + steps)

    def __iter__(self) -> Iterator[Step]:
        """Yield every step from the current one to the end."""
        counters, trimmer = self.state.counters, HeapTrimmer()
        self.state.model.train()
        started = time.perf_counter()
        while counters.step < self.total and not counters.is_stopped:
            epoch = int(self.count_epochs(counters.step))
            start = self._epoch_starts[epoch]
            groups = self.order.groups(epoch, counters.step - start)
            for batch in self.train.batches(islice(groups, self.total - counters.step)):
                before = self.progress
                step = self._step(batch, epoch)
                trimmer.trim_if_grown()
                started = self._count_seconds(started)
                is_late = self._is_late()
                if is_late or self._is_validation_due(before) or self._has_diverged(step):
                    scores, is_best = self.selector.select(self.count_epochs(counters.step))
                    step = replace(step, scores=scores, is_best=is_best)
                    trained = counters.seconds
                    started = self._count_seconds(started, at_once=True)
                    counters.validation_seconds += counters.seconds - trained
                    # the rest of a budget that the validation run took is not worth a step
                    is_late = is_late or (self.budget is not None and self.progress >= 1)
                counters.is_stopped = counters.is_stopped or is_late
                yield self._place(step)
                if counters.is_stopped:
                    return
                started = time.perf_counter()

    def _count_seconds(self, started: float, *, at_once: bool = False) -> float:
        """Add the seconds since `started` to those of the run; return the present time.

        Args:
            started: time that `time.perf_counter` gave.
            at_once: let all workers learn them now rather than with the next step.
        """
        now = time.perf_counter()
        seconds = self.workers.share_seconds(now - started, at_once=at_once)
        self.state.counters.seconds += seconds
        return now

    def _place(self, step: Step) -> Step:
        """Return the step with its place in the run."""
        if self.budget is None:
            return replace(step, progress=self.progress)
        # a step may have taken no time that the clock can tell
        progress = max(self.progress, 1e-9)
        is_last = self.state.counters.is_stopped
        total = step.number if is_last else max(step.number, round(step.number / progress))
        return replace(step, total=total, progress=progress, budget=self.budget)

    def _step(self, batch: AnyBatch, epoch: int) -> Step:
        """Take one optimizer step on `batch`, in the epoch of this number (from 0)."""
        counters, settings = self.state.counters, self.settings
        batch = batch.to(torch.device(settings.device))
        progress, position, length = self.progress, counters.step, self.total
        if self.budget is not None:
            position, length = int(progress * CLOCK), CLOCK
        factor = learning_rate_factor(
            position, length, warmup=settings.warmup, schedule=settings.schedule
        )
        seed = self.seed * 1_000_003 + counters.step
        self.generator.manual_seed(seed)
        with use_generator(self.generator):
            batch = self._draw_targets(batch, progress)
            self.workers.seed_dropout(self.generator, seed)
            loss = self._update(batch, factor)
        counters.step += 1
        counters.loss_sum += loss
        counters.loss_count += 1
        return Step(
            counters.step,
            self.total,
            epoch + 1,
            loss,
            factor,
            tokens=batch.size,
            unit=self.train.unit,
            metric=settings.metric,
        )

    def _draw_targets(self, batch: AnyBatch, progress: float) -> AnyBatch:
        """Return the batch with what a task draws of it at random; see `DrawsTargets`."""
        # asked by name: `isinstance` of a protocol takes 20 microseconds per step
        draw_targets = getattr(self.task, "draw_targets", None)
        if draw_targets is None:
            return batch
        drawn: AnyBatch = draw_targets(batch, self.generator, progress)
        return drawn

    def _update(self, batch: AnyBatch, factor: float) -> float:
        """Compute loss and gradients of `batch` and update the weights; return the loss."""
        for parameter in self.parameters:
            parameter.grad = None
        part = self.workers.take_part(batch)
        loss = 0.0 if part is None else self._backward(part, batch)
        loss = self.workers.sum_gradients(self.parameters, loss)
        if self.settings.clip_norm is not None:
            clip_gradients(self.parameters, self.settings.clip_norm)
        for optimizer in self.state.optimizers:
            optimizer.step(factor)
        return float(loss)

    def _backward(self, part: AnyBatch, whole: AnyBatch) -> Tensor:
        """Compute the gradients of a part of a batch; return its share of the loss."""
        with self._precision(part.rows.device):
            outputs = self.state.model(*part.inputs)
            losses = self._losses(outputs, part, whole)
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach() / len(losses)

    def _losses(self, outputs: Any, part: AnyBatch, whole: AnyBatch) -> list[Tensor]:
        """Return the loss of a part of a batch, or one per member of an ensemble."""
        members = outputs if isinstance(outputs, list) else [outputs]
        members = [to_float32(member) for member in members]
        if isinstance(outputs, list) and self.member_losses.part_of is not None:
            return self.member_losses(self.task, members, part)
        return [self.workers.part_loss(self.task, member, part, whole) for member in members]

    def _precision(self, device: torch.device) -> AbstractContextManager[None]:
        """Return the context of a forward pass: bfloat16 matrix products, if set, or float32."""
        if self.settings.precision == "float32":
            return nullcontext()
        return torch.autocast(device.type, torch.bfloat16)

    def _is_late(self) -> bool:
        limits = (self.settings.max_seconds, self.budget)
        seconds = self.state.counters.seconds
        return any(limit is not None and seconds >= limit for limit in limits)

    def _is_validation_due(self, before: float) -> bool:
        """Return whether the step, before which `before` was the progress, ends a part of a run."""
        if self.budget is not None:
            parts = self.settings.budget_validations
            is_due = math.floor(self.progress * parts) > math.floor(before * parts)
            return is_due and self._is_validation_affordable()
        step, per_epoch = self.state.counters.step, self.settings.validations_per_epoch
        # a little more, since three thirds of an epoch are not quite one epoch in floats
        done, before = (
            math.floor(self.count_epochs(n) * per_epoch + 1e-9) for n in (step, step - 1)
        )
        return step == self.total or done > before

    def _is_validation_affordable(self) -> bool:
        """Return whether one more validation run, as long as the mean one, stays in its share."""
        counters = self.state.counters
        mean = counters.validation_seconds / max(1, len(counters.history))
        return counters.validation_seconds + mean <= VALIDATION_SHARE * counters.seconds

    def _has_diverged(self, step: Step) -> bool:
        """Return whether weights are non-finite, which is checked every few steps."""
        if step.number % _DIVERGENCE_CHECK_STEPS or math.isfinite(step.loss):
            return False
        return not all(bool(parameter.isfinite().all()) for parameter in self.parameters)

    def validate(self) -> TaskScores:
        """Return the scores of the current model on the validation data."""
        return self.workers.lead(lambda: self.task.validate(self.state.model, self.valid))


def to_float32(outputs: Any) -> Any:
    """Cast a tensor that autocast left in half precision to float32; return others as they are."""
    return outputs.float() if isinstance(outputs, Tensor) else outputs
