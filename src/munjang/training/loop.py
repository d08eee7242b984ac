"""The training loop: a generator of steps. Whoever consumes it draws, logs and checkpoints.

Every random choice of a step follows from the seed and the step's number alone, so a run that is
resumed from a checkpoint takes the same steps as one that was never stopped.
"""

import math
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from munjang.data.buckets import Group
from munjang.data.dataset import AnyBatch, Dataset
from munjang.errors import ConfigError
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.randomness import use_generator
from munjang.layers.subword_embedding import SubwordEmbedding
from munjang.tasks.figures import FIGURES, finite_or_none, loss_of
from munjang.tasks.task import Learned, TaskScores
from munjang.training.members import MemberLosses
from munjang.training.optimisers import (
    AdamW,
    Optimiser,
    ParameterGroup,
    RowAdagrad,
    clip_gradients,
)
from munjang.training.schedules import step_size_factor
from munjang.training.settings import TrainingSettings
from munjang.training.state import TrainingState, Weights

# Steps from one look for a loss that is no finite number to the next.
_LOOK_EVERY = 10


@dataclass(frozen=True)
class Step:
    """One optimiser step, as it is seen from outside.

    Attributes:
        number: from 1.
        total: steps of the whole run if nothing stops it early.
        epoch: which pass over the training part, from 1.
        loss: of this batch, in the unit of its task's loss.
        factor: what the highest step sizes were multiplied with.
        tokens: real tokens in the batch, padding not counted; of other data, what `unit` says.
        scores: on the validation part, when this step ended with an evaluation.
        best: whether these are the best scores so far.
        unit: what `tokens` counts.
    """

    number: int
    total: int
    epoch: int
    loss: float
    factor: float
    tokens: int
    scores: TaskScores | None = None
    best: bool = False
    unit: str = "tokens"


def make_state(model: nn.Module, settings: TrainingSettings) -> TrainingState:
    """A fresh state: dense parameters to AdamW, embedding rows to the optimiser that is set."""
    tables = (TokenEmbedding, SubwordEmbedding)
    rows = [module.weight for module in model.modules() if isinstance(module, tables)]
    chosen = {id(parameter) for parameter in rows}
    dense = [p for p in model.parameters() if id(p) not in chosen]
    rate, decay = settings.learning_rate, settings.weight_decay
    betas = (0.9, settings.beta2)
    rows_rate = settings.embedding_learning_rate or rate
    if settings.embedding_optimiser == "adagrad":
        optimisers: list[Optimiser] = [
            AdamW([ParameterGroup(dense, rate)], betas=betas, weight_decay=decay),
            RowAdagrad([ParameterGroup(rows, rows_rate)]),
        ]
    elif rows_rate == rate:
        group = ParameterGroup([*dense, *rows], rate)
        optimisers = [AdamW([group], betas=betas, weight_decay=decay)]
    else:
        groups = [ParameterGroup(dense, rate), ParameterGroup(rows, rows_rate)]
        optimisers = [AdamW(groups, betas=betas, weight_decay=decay)]
    return TrainingState(model, optimisers)


class Loop:
    """Fits `state.model` on `train`, looking at `valid`.

    It draws from a generator of its own, which each step seeds anew.

    Args:
        state: fresh or restored.
        task: gives loss and scores.
        train: the training part, with targets.
        valid: the validation part, with targets.
        settings: how to train.
        seed: decides batches and dropout.
    """

    def __init__(
        self,
        state: TrainingState,
        task: Learned,
        train: Dataset,
        valid: Dataset,
        settings: TrainingSettings,
        seed: int,
    ) -> None:
        self.state = state
        self.task = task
        self.train = train
        self.valid = valid
        self.settings = settings
        self.seed = seed
        self.bucketing = settings.bucketing()
        self.lengths = train.lengths
        # to walk a model's modules for them costs as much as a small model's forward pass
        self.parameters = list(state.model.parameters())
        self.random = torch.Generator(settings.device)
        self.member_losses = MemberLosses(len(train), settings.leave_out, seed)
        self._order: tuple[int, list[Group]] = (-1, [])
        self._starts = self._first_steps()
        self.total = min(self._starts[-1], settings.max_steps or sys.maxsize)

    def order(self, epoch: int) -> list[Group]:
        """The batches of a pass (from 0), in their order."""
        if self._order[0] != epoch:
            groups = self.bucketing.shuffled(self.lengths, (self.seed, epoch))
            self._order = (epoch, groups)
        return self._order[1]

    def _first_steps(self) -> list[int]:
        """How many steps lie before each pass that is begun, and in all."""
        starts, most = [0], self.settings.max_steps or sys.maxsize
        for epoch in range(self.settings.epochs):
            # under a token budget the passes differ by a batch or so
            alike = self.settings.batch_tokens is None
            starts.append(starts[-1] + len(self.order(0 if alike else epoch)))
            if starts[-1] >= most:
                break
        return starts

    @property
    def per_epoch(self) -> int:
        """Steps of the first pass; under a token budget others differ by a batch or so."""
        return self._starts[1]

    def passes(self, step: int) -> float:
        """How many passes over the training part are done after so many steps."""
        epoch = bisect_right(self._starts, step) - 1
        if epoch == len(self._starts) - 1:
            return float(epoch)
        first, after = self._starts[epoch], self._starts[epoch + 1]
        return epoch + (step - first) / (after - first)

    def __iter__(self) -> Iterator[Step]:
        """Yield every step from where the state stands to the end."""
        counters = self.state.counters
        self.state.model.train()
        while counters.step < self.total and not counters.stopped:
            epoch = int(self.passes(counters.step))
            first = self._starts[epoch]
            rest = self.order(epoch)[counters.step - first : self.total - first]
            for batch in self.train.batches(rest):
                began = time.perf_counter()
                step = self._step(batch, epoch)
                late = self._is_late(counters.seconds + time.perf_counter() - began)
                if late or self._evaluate_after(counters.step) or self._has_diverged(step):
                    step = self._evaluate(step)
                counters.stopped = counters.stopped or late
                counters.seconds += time.perf_counter() - began
                yield step
                if counters.stopped:
                    return

    def _has_diverged(self, step: Step) -> bool:
        """Whether the weights are no finite numbers any more; looked for every few steps."""
        if step.number % _LOOK_EVERY or math.isfinite(step.loss):
            return False
        return not all(bool(parameter.isfinite().all()) for parameter in self.parameters)

    def _is_late(self, seconds: float) -> bool:
        return self.settings.max_seconds is not None and seconds >= self.settings.max_seconds

    def _step(self, batch: AnyBatch, epoch: int) -> Step:
        counters = self.state.counters
        batch = batch.to(torch.device(self.settings.device))
        factor = step_size_factor(
            counters.step, self.total, warmup=self.settings.warmup, schedule=self.settings.schedule
        )
        self.random.manual_seed(self.seed * 1_000_003 + counters.step)
        with use_generator(self.random):
            loss = self._update(batch, factor)
        counters.step += 1
        counters.loss_sum += loss
        counters.loss_count += 1
        unit = self.train.unit
        return Step(
            counters.step, self.total, epoch + 1, loss, factor, tokens=batch.size, unit=unit
        )

    def _update(self, batch: AnyBatch, factor: float) -> float:
        assert batch.targets is not None
        model = self.state.model
        for parameter in self.parameters:
            parameter.grad = None
        with self._precision(batch.targets.device):
            outputs = model(*batch.inputs)
            if isinstance(outputs, list):  # one a member
                several = [_whole(one) for one in outputs]
                losses = self.member_losses(self.task, several, batch)
            else:
                losses = [self.task.loss(_whole(outputs), batch.targets)]
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.settings.clip_norm is not None:
            clip_gradients(self.parameters, self.settings.clip_norm)
        for optimiser in self.state.optimisers:
            optimiser.step(factor)
        return loss.item() / len(losses)

    def _precision(self, device: torch.device) -> AbstractContextManager[None]:
        """Matrix products in bfloat16 where that is set; all else stays float32."""
        if self.settings.precision == "float32":
            return nullcontext()
        return torch.autocast(device.type, torch.bfloat16)

    def _evaluate_after(self, step: int) -> bool:
        looks = self.settings.evaluations_per_epoch
        # a hair more, since a third of a pass three times is not quite a pass in floats
        done, before = (math.floor(self.passes(n) * looks + 1e-9) for n in (step, step - 1))
        return step == self.total or done > before

    def _evaluate(self, step: Step) -> Step:
        weights = self.state.model.state_dict()
        scores = self.scores()
        is_average = False
        if not scores.sound:
            return self._diverged(step, scores)
        average = self._average(scores)
        if average is not None:
            averaged = self._scores_of(average)
            if averaged.sound and self._standing(averaged) > self._standing(scores):
                scores, weights, is_average = averaged, average, True
        best = self._remember(scores, weights, is_average)
        return replace(step, scores=scores, best=best)

    def _average(self, scores: TaskScores) -> Weights | None:
        """The averaged weights, these among them; None where there is no average (yet)."""
        state, settings = self.state, self.settings
        if settings.average_best is not None:
            state.keep_among_best(self._value(scores), settings.average_best)
            return state.mean_of_best() if len(state.snapshots) > 1 else None
        if settings.averaging is None or state.counters.step < settings.averaging * self.total:
            return None
        state.add_to_average()
        return state.average if state.counters.averaged > 1 else None

    def _diverged(self, step: Step, scores: TaskScores) -> Step:
        """Stop where numbers are no numbers any more; fail if nothing before was any good."""
        counters = self.state.counters
        if counters.best_value is None:
            raise ConfigError(
                f"training.learning_rate: the weights were no finite numbers by step {step.number}"
                f" of {step.total} (training diverged); try one below "
                f"{self.settings.learning_rate:g}"
            )
        counters.stopped = counters.diverged = True
        self._record(scores, is_average=False, best=False)
        return replace(step, scores=scores)

    def _remember(self, scores: TaskScores, weights: Weights, is_average: bool) -> bool:
        counters, standing = self.state.counters, self._standing(scores)
        best = counters.best_value is None or standing > (counters.best_value, -counters.best_loss)
        if best:
            counters.best_value, counters.best_loss = standing[0], -standing[1]
            counters.best_step, counters.best_is_average = counters.step, is_average
            counters.stale = 0
            self.state.keep_as_best(weights)
        else:
            counters.stale += 1
        patience = self.settings.patience
        counters.stopped = patience is not None and counters.stale >= patience
        self._record(scores, is_average=is_average, best=best)
        return best

    def _record(self, scores: TaskScores, *, is_average: bool, best: bool) -> None:
        counters = self.state.counters
        counters.history.append(
            {
                "step": counters.step,
                "epoch": self.passes(counters.step),
                "seconds": round(counters.seconds, 3),
                "train_loss": finite_or_none(counters.loss_sum / max(1, counters.loss_count)),
                **{name: finite_or_none(value) for name, value in deciding(scores).items()},
                "averaged_weights": is_average,
                "best": best,
            }
        )
        counters.loss_sum, counters.loss_count = 0.0, 0

    def scores(self) -> TaskScores:
        """Scores of the model as it is now, on the validation part."""
        return self.task.judge(self.state.model, self.valid)

    def _scores_of(self, weights: Weights) -> TaskScores:
        now = {name: t.clone() for name, t in self.state.model.state_dict().items()}
        self.state.model.load_state_dict(weights)
        try:
            return self.scores()
        finally:
            self.state.model.load_state_dict(now)

    def _value(self, scores: TaskScores) -> float:
        return metric_value(scores, self.settings.metric)

    def _standing(self, scores: TaskScores) -> tuple[float, float]:
        """By which evaluations are ranked, larger is better: the metric; of equals, less loss.

        Few rows give few different accuracies, and the first of equals is an early step.
        """
        return self._value(scores), -loss_of(scores.figures)


def _whole(outputs: Any) -> Any:
    """Logits in 32 bits, whatever the products were made in; what is no tensor as it is."""
    return outputs.float() if isinstance(outputs, Tensor) else outputs


def metric_value(scores: TaskScores, metric: str) -> float:
    """The metric with its sign turned where needed, so that larger is better.

    A metric that is not defined, such as the rank correlation of equal answers, is the worst.
    """
    value = scores.figures[metric]
    if math.isnan(value):
        return -math.inf
    return value if FIGURES[metric].larger_is_better else -value


def deciding(scores: TaskScores) -> dict[str, float]:
    """The figures that may decide which step is best."""
    return {name: value for name, value in scores.figures.items() if FIGURES[name].decides}
