"""Estimates of the memory and time of a training, from its real tensors and some real steps.

Other work on the machine, early stopping and slow disks change the result.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from munjang.api import make_loop
from munjang.data.buckets import Group
from munjang.data.order import BatchOrder
from munjang.estimates.decoding import decoding_peak, decoding_seconds, measure_seconds
from munjang.memory import peak_memory
from munjang.preparation import Prepared
from munjang.tasks.inference import compute_logits
from munjang.tasks.task import Decodes, Generates, GivesLogits
from munjang.training.logs import RunLog
from munjang.training.loop import VALIDATION_SHARE, Loop
from munjang.training.settings import TrainingSettings

# The first steps are slower: memory is taken from the system, kernels are chosen.
WARM_UP_STEPS = 3
VALIDATION_SAMPLE = 512
# Rows per batch of an evaluation.
EVALUATED_ROWS = 256


@dataclass(frozen=True)
class Estimate:
    """Expected cost of a training.

    Attributes:
        model: name of the architecture.
        parameters: number of trained numbers.
        weights_bytes: of the model; about the size of its folder.
        optimizer_bytes: state of the optimizers.
        copies_bytes: of the best weights, and of the average where weights are averaged.
        checkpoint_bytes: on disk during training.
        memory_bytes: peak memory of the process, PyTorch and the data included: measured while
            everything that a training does is done once, from reading to the evaluation.
        steps: optimizer steps if nothing stops the training early.
        units_per_second: tokens (without padding; target tokens of pairs) or images in training.
        seconds: of the whole training, evaluations included.
        evaluation_seconds: of one evaluation on the validation part; those of averaged weights are
            spread over all.
        timed_steps: number of steps that were measured.
        answering_seconds: of decoding the whole validation part after the last step, for tasks
            whose answers are texts; not in `seconds`.
        unit: what `units_per_second` counts, such as "tokens".
    """

    model: str
    parameters: int
    weights_bytes: int
    optimizer_bytes: int
    copies_bytes: int
    checkpoint_bytes: int
    memory_bytes: int
    steps: int
    units_per_second: float
    seconds: float
    evaluation_seconds: float
    timed_steps: int
    answering_seconds: float = 0.0
    unit: str = "tokens"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def estimate_training(prepared: Prepared, *, seconds: float = 2.0) -> Estimate:
    """Measure some real training steps, and scale the result to the whole training.

    Args:
        prepared: the training; it is not changed.
        seconds: upper bound of the time spent on steps.
    """
    recipe = prepared.recipe
    with _threads(recipe.training.threads):
        loop = make_loop(prepared)
        loop.order = _HeaviestSecond(loop.order)
        steps, rate = _time_steps(loop, seconds)
        evaluation, answering, peak = _evaluation_costs(loop)
        _do_the_rest(prepared, loop)
    state = loop.state
    weights = _size(state.model.state_dict().values())
    optimizer = _size(
        value
        for optimizer in state.optimizers
        for values in optimizer.state.values()
        for value in values.values()
    )
    averages, scored = _averaging(recipe.training)
    evaluation *= 1 + scored
    copies = weights * (1 + averages)
    units, training = prepared.facts[prepared.train.unit], recipe.training
    if loop.budget is None:
        epochs = loop.total / loop.steps_per_epoch
        total, evaluations = loop.total, epochs * training.validations_per_epoch
        duration = units * epochs / rate + evaluations * evaluation
    else:  # it holds the evaluations too
        duration = loop.budget
        # the first run is never left out, and the last one comes after the budget
        within = max(evaluation, VALIDATION_SHARE * duration)
        left = max(0.0, duration - min(training.budget_validations * evaluation, within))
        total = max(1, round(left * rate / max(1, units) * loop.steps_per_epoch))
    return Estimate(
        model=recipe.model_name,
        parameters=sum(parameter.numel() for parameter in state.model.parameters()),
        weights_bytes=weights,
        optimizer_bytes=optimizer,
        copies_bytes=copies,
        checkpoint_bytes=weights + optimizer + copies,
        memory_bytes=max(peak_memory(), peak) or 2 * weights + optimizer + copies,
        steps=total,
        units_per_second=rate,
        seconds=duration,
        evaluation_seconds=evaluation,
        timed_steps=steps,
        answering_seconds=answering,
        unit=prepared.train.unit,
    )


def _averaging(training: TrainingSettings) -> tuple[int, float]:
    """Return the copies of weights that averaging keeps, and its share of extra evaluations."""
    if training.average_best is not None:
        return training.average_best, 1.0
    if training.average_after is not None:
        return 1, 1 - training.average_after
    return 0, 0.0


class _HeaviestSecond:
    """The order of batches, except that the second one has the most places, padding counted.

    No step takes more memory. The first step allocates the state of the optimizers.
    """

    def __init__(self, order: BatchOrder) -> None:
        self.inner, self.first = order, list(order.sample())
        heaviest = max(range(len(self.first)), key=lambda n: self.first[n].places)
        second = min(1, len(self.first) - 1)
        self.first[second], self.first[heaviest] = self.first[heaviest], self.first[second]

    def steps(self, epoch: int) -> int:
        return self.inner.steps(epoch)

    def groups(self, epoch: int, first: int = 0) -> Iterator[Group]:
        if epoch > 0 or first > len(self.first):
            return self.inner.groups(epoch, first)
        return chain(self.first[first:], self.inner.groups(0, len(self.first)))

    def sample(self) -> list[Group]:
        return self.first

    def padding_share(self) -> float:
        return self.inner.padding_share()


def _keep_copies(loop: Loop) -> None:
    """Copy the weights as a training does after its first evaluations: the best, and averages."""
    state, training = loop.state, loop.settings
    state.keep_as_best(state.model.state_dict())
    if training.average_after is not None:
        state.add_to_average()
    for _ in range(training.average_best or 0):
        state.keep_snapshot(0.0, training.average_best or 0)
    for optimizer in state.optimizers:
        for values in optimizer.state.values():
            for tensor in values.values():
                tensor.mul_(1)  # zeros take no memory before they are written to


def _do_the_rest(prepared: Prepared, loop: Loop) -> None:
    """Do once what a training does besides its steps, to measure its memory."""
    state, valid = loop.state, loop.valid
    assert prepared.fingerprint
    with TemporaryDirectory() as folder:
        RunLog(Path(folder)).close()
    # while an average is scored, the current weights are copied
    current = [t.clone() for t in state.model.state_dict().values()] if state.average else []
    if not _decodes(loop):  # else it was measured with the decoding
        lengths = valid.lengths.reshape(len(valid), -1).sum(axis=1)  # of two sides, both
        longest = np.argsort(-lengths, kind="stable")[:EVALUATED_ROWS]
        loop.task.validate(state.model, valid.take(longest))
    current.clear()


def _time_steps(loop: Loop, seconds: float) -> tuple[int, float]:
    """Return how many steps were timed, and their tokens or images per second.

    A training that is shorter than the warm-up is timed from its last step on.
    """
    began = time.perf_counter()
    warm = min(WARM_UP_STEPS, loop.total - 1)
    steps = iter(loop)
    for step in islice(steps, warm):
        if step.number == 1:
            _keep_copies(loop)
    count, units, start = 0, 0, time.perf_counter()
    for step in steps:
        count, units = count + 1, units + step.tokens
        if time.perf_counter() - began > seconds:
            break
    return count, max(units, 1) / max(time.perf_counter() - start, 1e-9)


def _decodes(loop: Loop) -> bool:
    """Return whether an evaluation decodes texts, which takes long.

    A task that continues texts (`Generates`) is evaluated without decoding any.
    """
    return isinstance(loop.task, Decodes) and not isinstance(loop.task, Generates)


def _evaluation_costs(loop: Loop) -> tuple[float, float, int]:
    """Measure evaluations on a sample of the validation part.

    Returns:
        Seconds of one evaluation, seconds of decoding at the end, and bytes of peak memory.
    """
    network, valid = loop.state.model, loop.valid
    if _decodes(loop):
        evaluation, final = decoding_seconds(network, loop.task, valid)
        return evaluation, final, decoding_peak(network, loop.task, valid, final)
    rows, most = len(valid), getattr(valid, "timed_rows", VALIDATION_SAMPLE)
    sample = valid.take(np.arange(0, rows, max(1, rows // most)))
    if isinstance(loop.task, GivesLogits):
        taken = measure_seconds(lambda: compute_logits(network, sample))
    else:
        taken = measure_seconds(lambda: loop.task.validate(network, sample))
    return taken * rows / max(1, len(sample)), 0.0, peak_memory()


def _size(tensors: Iterable[Any]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors if isinstance(t, Tensor))


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
