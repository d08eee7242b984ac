"""The training loop: a generator of steps. Whoever consumes it draws, logs and checkpoints.

Every random choice of a step follows from the seed and the step's number alone, so a run that is
resumed from a checkpoint takes the same steps as one that was never stopped.
"""

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from munjang.data.batches import Batch, Examples
from munjang.data.buckets import Group
from munjang.errors import ConfigError
from munjang.layers.embedding import TokenEmbedding
from munjang.tasks.classify import Classify
from munjang.tasks.metrics import Scores, classification_scores
from munjang.training.inference import logits_of
from munjang.training.optimisers import (
    AdamW,
    Optimiser,
    ParameterGroup,
    RowAdagrad,
    clip_gradients,
)
from munjang.training.schedules import step_size_factor
from munjang.training.settings import Metric, TrainingSettings
from munjang.training.state import TrainingState, Weights


@dataclass(frozen=True)
class Step:
    """One optimiser step, as it is seen from outside.

    Attributes:
        number: from 1.
        total: steps of the whole run if nothing stops it early.
        epoch: which pass over the training part, from 1.
        loss: of this batch, in nats.
        factor: what the highest step sizes were multiplied with.
        tokens: real tokens in the batch, padding not counted.
        scores: on the validation part, when this step ended with an evaluation.
        best: whether these are the best scores so far.
    """

    number: int
    total: int
    epoch: int
    loss: float
    factor: float
    tokens: int
    scores: Scores | None = None
    best: bool = False


def make_state(model: nn.Module, settings: TrainingSettings) -> TrainingState:
    """A fresh state: dense parameters to AdamW, embedding rows to the optimiser that is set."""
    rows = [module.weight for module in model.modules() if isinstance(module, TokenEmbedding)]
    chosen = {id(parameter) for parameter in rows}
    dense = [p for p in model.parameters() if id(p) not in chosen]
    rate, decay = settings.learning_rate, settings.weight_decay
    rows_rate = settings.embedding_learning_rate or rate
    if settings.embedding_optimiser == "adagrad":
        optimisers: list[Optimiser] = [
            AdamW([ParameterGroup(dense, rate)], weight_decay=decay),
            RowAdagrad([ParameterGroup(rows, rows_rate)]),
        ]
    elif rows_rate == rate:
        optimisers = [AdamW([ParameterGroup([*dense, *rows], rate)], weight_decay=decay)]
    else:
        optimisers = [
            AdamW(
                [ParameterGroup(dense, rate), ParameterGroup(rows, rows_rate)], weight_decay=decay
            )
        ]
    return TrainingState(model, optimisers)


class Loop:
    """Fits `state.model` on `train`, looking at `valid`.

    Each step seeds PyTorch's random numbers; who wants theirs back forks them around the whole.

    Args:
        state: fresh or restored.
        task: gives loss and probabilities.
        train: the training part, with targets.
        valid: the validation part, with targets.
        settings: how to train.
        seed: decides batches and dropout.
    """

    def __init__(
        self,
        state: TrainingState,
        task: Classify,
        train: Examples,
        valid: Examples,
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
        self._order: tuple[int, list[Group]] = (-1, [])
        self.per_epoch = len(self.order(0))
        self.total = min(self.per_epoch * settings.epochs, settings.max_steps or sys.maxsize)

    def order(self, epoch: int) -> list[Group]:
        """The batches of a pass (from 0), in their order.

        Passes may differ by a batch or so under a token budget; see `_rest_of`.
        """
        if self._order[0] != epoch:
            groups = self.bucketing.shuffled(self.lengths, (self.seed, epoch))
            self._order = (epoch, groups)
        return self._order[1]

    def __iter__(self) -> Iterator[Step]:
        """Yield every step from where the state stands to the end."""
        counters = self.state.counters
        self.state.model.train()
        while counters.step < self.total and not counters.stopped:
            epoch, start = divmod(counters.step, self.per_epoch)
            for batch in self.train.batches(self._rest_of(epoch, start)):
                began = time.perf_counter()
                step = self._step(batch, epoch)
                late = self._is_late(counters.seconds + time.perf_counter() - began)
                if late or self._evaluate_after(counters.step):
                    step = self._evaluate(step)
                counters.stopped = counters.stopped or late
                counters.seconds += time.perf_counter() - began
                yield step
                if counters.stopped:
                    return

    def _is_late(self, seconds: float) -> bool:
        return self.settings.max_seconds is not None and seconds >= self.settings.max_seconds

    def _rest_of(self, epoch: int, start: int) -> Iterator[Group]:
        """The batches of a pass from `start` on, as many in all as in the first pass or to the end.

        A longer pass is cut, a shorter one begins again: a step's number says which batch it sees.
        """
        groups = self.order(epoch)
        end = min(self.per_epoch, self.total - epoch * self.per_epoch)
        return (groups[place % len(groups)] for place in range(start, end))

    def _step(self, batch: Batch, epoch: int) -> Step:
        counters = self.state.counters
        batch = batch.to(torch.device(self.settings.device))
        factor = step_size_factor(
            counters.step, self.total, warmup=self.settings.warmup, schedule=self.settings.schedule
        )
        _seed(self.seed * 1_000_003 + counters.step, batch.ids.device)
        loss = self._update(batch, factor)
        counters.step += 1
        counters.loss_sum += loss
        counters.loss_count += 1
        return Step(counters.step, self.total, epoch + 1, loss, factor, int(batch.lengths.sum()))

    def _update(self, batch: Batch, factor: float) -> float:
        assert batch.targets is not None
        model = self.state.model
        for parameter in self.parameters:
            parameter.grad = None
        loss: Tensor = self.task.loss(model(batch.ids, batch.mask), batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.settings.clip_norm is not None:
            clip_gradients(self.parameters, self.settings.clip_norm)
        for optimiser in self.state.optimisers:
            optimiser.step(factor)
        return loss.item()

    def _evaluate_after(self, step: int) -> bool:
        if step == self.total:
            return True
        done, per_epoch = step % self.per_epoch, self.settings.evaluations_per_epoch
        before = (done - 1) % self.per_epoch
        return (
            done == 0 or done * per_epoch // self.per_epoch > before * per_epoch // self.per_epoch
        )

    def _evaluate(self, step: Step) -> Step:
        counters, averaging = self.state.counters, self.settings.averaging
        weights = self.state.model.state_dict()
        scores = self.scores()
        is_average = False
        if not _is_sound(scores):
            return self._diverged(step, scores)
        if averaging is not None and counters.step >= averaging * self.total:
            self.state.add_to_average()
            if counters.averaged > 1:
                averaged = self._scores_of(self.state.average)
                if _is_sound(averaged) and self._value(averaged) > self._value(scores):
                    scores, weights, is_average = averaged, self.state.average, True
        best = self._remember(scores, weights, is_average)
        return replace(step, scores=scores, best=best)

    def _diverged(self, step: Step, scores: Scores) -> Step:
        """Stop where numbers are no numbers any more; fail if nothing before was any good."""
        counters = self.state.counters
        if counters.best_value is None:
            raise ConfigError(
                f"training.learning_rate: the weights were no finite numbers by step {step.number}"
                f" of {step.total}; a step size below {self.settings.learning_rate:g} helps"
            )
        counters.stopped = counters.diverged = True
        self._record(scores, is_average=False, best=False)
        return replace(step, scores=scores)

    def _remember(self, scores: Scores, weights: Weights, is_average: bool) -> bool:
        counters, value = self.state.counters, self._value(scores)
        best = counters.best_value is None or value > counters.best_value
        if best:
            counters.best_value, counters.best_step = value, counters.step
            counters.best_is_average, counters.stale = is_average, 0
            self.state.keep_as_best(weights)
        else:
            counters.stale += 1
        patience = self.settings.patience
        counters.stopped = patience is not None and counters.stale >= patience
        self._record(scores, is_average=is_average, best=best)
        return best

    def _record(self, scores: Scores, *, is_average: bool, best: bool) -> None:
        counters = self.state.counters
        counters.history.append(
            {
                "step": counters.step,
                "epoch": counters.step / self.per_epoch,
                "seconds": round(counters.seconds, 3),
                "train_loss": finite_or_none(counters.loss_sum / max(1, counters.loss_count)),
                "accuracy": scores.accuracy,
                "macro_f1": scores.macro_f1,
                "log_loss": finite_or_none(scores.log_loss),
                "averaged_weights": is_average,
                "best": best,
            }
        )
        counters.loss_sum, counters.loss_count = 0.0, 0

    def scores(self) -> Scores:
        """Scores of the model as it is now, on the validation part."""
        assert self.valid.targets is not None
        logits = logits_of(self.state.model, self.valid)
        probabilities = self.task.probabilities(logits)
        return classification_scores(probabilities, self.valid.targets, self.task.labels)

    def _scores_of(self, weights: Weights) -> Scores:
        now = {name: t.clone() for name, t in self.state.model.state_dict().items()}
        self.state.model.load_state_dict(weights)
        try:
            return self.scores()
        finally:
            self.state.model.load_state_dict(now)

    def _value(self, scores: Scores) -> float:
        return metric_value(scores, self.settings.metric)


def metric_value(scores: Scores, metric: Metric) -> float:
    """The metric with its sign turned where needed, so that larger is better."""
    return -scores.log_loss if metric == "log_loss" else float(getattr(scores, metric))


def _seed(seed: int, device: torch.device) -> None:
    """As `torch.manual_seed`, which asks every kind of device there is and costs 0.2 ms a call."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _is_sound(scores: Scores) -> bool:
    """Whether the weights gave real probabilities; the accuracy of NaNs looks like any other."""
    return math.isfinite(scores.log_loss)


def finite_or_none(value: float) -> float | None:
    """JSON has no word for NaN."""
    return value if math.isfinite(value) else None
