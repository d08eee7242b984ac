"""What a training will cost in memory and time, from its real tensors and a few of its real steps.

An estimate, and said to be one: other work on the machine, early stopping and slow disks change it.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from munjang.api import make_loop
from munjang.data.batches import Examples
from munjang.data.dataset import Dataset
from munjang.data.images.examples import ImageExamples
from munjang.data.pairs.examples import PairExamples
from munjang.media import AnyPrepared
from munjang.memory import peak_memory, reset_peak
from munjang.tasks.inference import logits_of
from munjang.tasks.translate import Translate, cross_entropy_of, hypotheses_of
from munjang.training.logs import RunLog
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings

# The first steps are slower: memory is taken from the system, kernels are chosen.
WARM_UP_STEPS = 3
VALIDATION_SAMPLE = 512
# Answered to see how long that takes: as many as are decoded together.
ANSWERED_SAMPLE = 128
# An evaluation reads so many rows at once.
EVALUATED_ROWS = 256
# Seconds for answers whose memory is to be seen.
_LONGEST_ANSWERING = 10.0


@dataclass(frozen=True)
class Estimate:
    """What a training is expected to cost.

    Attributes:
        model: name of the architecture.
        parameters: trained numbers.
        weights_bytes: of the model; about the size of its folder.
        optimiser_bytes: what the optimisers remember.
        copies_bytes: of the best weights, and of the average where weights are averaged.
        checkpoint_bytes: on disk while it trains.
        memory_bytes: peak memory of the process, PyTorch itself and the texts included: measured
            while everything that a training does was done once, from reading to the evaluation.
        steps: optimiser steps if nothing stops it early.
        tokens_per_second: real tokens, padding not counted, in training; of pairs target tokens.
        seconds: of the whole training, evaluations included.
        evaluation_seconds: of one look at the validation part; those at the average are spread
            over all.
        timed_steps: how many steps were really taken to say so.
        answering_seconds: after all steps, of the answers to the whole validation part where such
            are written; not in `seconds`.
    """

    model: str
    parameters: int
    weights_bytes: int
    optimiser_bytes: int
    copies_bytes: int
    checkpoint_bytes: int
    memory_bytes: int
    steps: int
    tokens_per_second: float
    seconds: float
    evaluation_seconds: float
    timed_steps: int
    answering_seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def estimate_training(prepared: AnyPrepared, *, seconds: float = 2.0) -> Estimate:
    """Take a few real steps, and scale up.

    Args:
        prepared: what would be trained, texts or pairs. Nothing of it changes.
        seconds: the most time to spend on steps.
    """
    recipe = prepared.recipe
    with _threads(recipe.training.threads):
        loop = make_loop(prepared)
        _heaviest_second(loop)
        steps, rate = _time_steps(loop, seconds)
        evaluation, answering = _evaluation_seconds(loop)
        peak_of_answers = _peak_of_answers(loop, answering)
        _do_the_rest(prepared, loop)
    state = loop.state
    weights = _size(state.model.state_dict().values())
    optimiser = _size(
        value for one in state.optimisers for kept in one.state.values() for value in kept.values()
    )
    kept, scored = _averaging(recipe.training)
    evaluation *= 1 + scored
    copies = weights * (1 + kept)
    passes = loop.total / loop.per_epoch
    tokens = prepared.facts[prepared.train.unit] * passes
    evaluations = passes * recipe.training.evaluations_per_epoch
    return Estimate(
        model=recipe.model_name,
        parameters=sum(parameter.numel() for parameter in state.model.parameters()),
        weights_bytes=weights,
        optimiser_bytes=optimiser,
        copies_bytes=copies,
        checkpoint_bytes=weights + optimiser + copies,
        memory_bytes=max(peak_memory(), peak_of_answers) or 2 * weights + optimiser + copies,
        steps=loop.total,
        tokens_per_second=rate,
        seconds=tokens / rate + evaluations * evaluation,
        evaluation_seconds=evaluation,
        timed_steps=steps,
        answering_seconds=answering,
    )


def _averaging(training: TrainingSettings) -> tuple[int, float]:
    """How many copies of the weights an average needs, and at how many looks it is scored too."""
    if training.average_best is not None:
        return training.average_best, 1.0
    if training.averaging is not None:
        return 1, 1 - training.averaging
    return 0, 0.0


def _heaviest_second(loop: Loop) -> None:
    """Let the second step take the batch with the most places, padding counted.

    What it holds is the most that any step does; the first one makes what the optimisers remember.
    """
    groups = loop.order(0)
    heaviest = max(range(len(groups)), key=lambda n: len(groups[n].rows) * groups[n].time)
    second = min(1, len(groups) - 1)
    groups[second], groups[heaviest] = groups[heaviest], groups[second]


def _hold_copies(loop: Loop) -> None:
    """Hold what a training holds after its first evaluations: the best weights, and averages."""
    state, training = loop.state, loop.settings
    state.keep_as_best(state.model.state_dict())
    if training.averaging is not None:
        state.add_to_average()
    for _ in range(training.average_best or 0):
        state.keep_among_best(0.0, training.average_best or 0)
    for optimiser in state.optimisers:
        for kept in optimiser.state.values():
            for tensor in kept.values():
                tensor.mul_(1)  # zeros take no memory before they are written to


def _do_the_rest(prepared: AnyPrepared, loop: Loop) -> None:
    """Do once what a training does beside its steps, to see how much memory it takes."""
    state, valid = loop.state, loop.valid
    assert prepared.fingerprint
    with TemporaryDirectory() as folder:
        RunLog(Path(folder)).close()
    # to score an average, the weights of the moment are put aside
    aside = [t.clone() for t in state.model.state_dict().values()] if state.average else []
    if not isinstance(valid, PairExamples):
        loop.task.concluded(state.model, _longest(valid, EVALUATED_ROWS))
    aside.clear()


def _longest(data: Dataset, most: int) -> Any:
    """The longest rows of a dataset, which an evaluation puts into one batch."""
    rows = np.argsort(-data.lengths, kind="stable")[:most]
    targets = None if data.targets is None else data.targets[rows]
    if isinstance(data, ImageExamples):
        return ImageExamples(data.pixels[rows], targets)
    return Examples(cast(Examples, data).column.take(pa.array(rows)), targets)


def _time_steps(loop: Loop, seconds: float) -> tuple[int, float]:
    """How many steps were timed, and the real tokens a second in them.

    A loop that ends before the warm-up does is timed with its warm-up.
    """
    began = time.perf_counter()
    warm = min(WARM_UP_STEPS, loop.total - 1)
    steps = iter(loop)
    for step in islice(steps, warm):
        if step.number == 1:
            _hold_copies(loop)
    taken, tokens, start = 0, 0, time.perf_counter()
    for step in steps:
        taken, tokens = taken + 1, tokens + step.tokens
        if time.perf_counter() - began > seconds:
            break
    return taken, max(tokens, 1) / max(time.perf_counter() - start, 1e-9)


def _evaluation_seconds(loop: Loop) -> tuple[float, float]:
    """Seconds of one look at the validation part, and of the answers at the end; from a sample."""
    valid: Dataset = loop.valid
    if isinstance(valid, PairExamples):
        return _answering_seconds(loop, valid)
    rows = len(valid)
    sample: Any
    if isinstance(valid, ImageExamples):
        sample = ImageExamples(valid.pixels[:: max(1, rows // VALIDATION_SAMPLE)])
    else:
        sample = Examples(cast(Examples, valid).column[:: max(1, rows // VALIDATION_SAMPLE)])
    taken = _seconds_of(lambda: logits_of(loop.state.model, sample))
    return taken * rows / max(1, len(sample)), 0.0


def _answering_seconds(loop: Loop, pairs: PairExamples) -> tuple[float, float]:
    """Of a look, which answers some pairs greedily, and of the answers to all as in prediction.

    An untrained network ends its answers at random, so here they are as long as targets are on
    average.
    """
    network, task, rows = loop.state.model, cast(Translate, loop.task), len(pairs)
    usual = min(math.ceil(pairs.lengths[:, 1].mean()), task.decoding.max_length)
    decoding = task.decoding.model_copy(update={"min_length": usual - 1, "max_length": usual})
    task = replace(task, decoding=decoding)
    sample = _spread(pairs, ANSWERED_SAMPLE)
    task.judge(network, sample.first(1))  # the first time it loads what computes the scores
    read = _seconds_of(lambda: cross_entropy_of(network, sample))
    looked = _seconds_of(lambda: task.judge(network, sample))
    last = _seconds_of(lambda: task.concluded(network, sample))
    answered = min(rows, task.settings.decoded_rows)
    look = read * rows + max(looked - read, 0.0) * answered
    return look / len(sample), last * rows / len(sample)


def _peak_of_answers(loop: Loop, seconds: float) -> int:
    """The most memory of answering the longest sources to the length limit, and all of before.

    Networks that have learned little do so. Some are answered, and scaled up to as many as are
    answered together: each one holds as much.

    Args:
        loop: of the training.
        seconds: of the answers to all validation pairs, at a usual length.
    """
    before, pairs = peak_memory(), loop.valid
    if not isinstance(pairs, PairExamples) or not reset_peak():
        return before
    limit, lengths = cast(Translate, loop.task).decoding, pairs.lengths
    longest = int(lengths[:, 0].max())
    steps = min(limit.max_length, limit.max_ratio * longest + limit.max_extra)
    each = max(1e-9, seconds / len(pairs) * steps / lengths[:, 1].mean())
    together = min(ANSWERED_SAMPLE, len(pairs))
    rows = np.argsort(-lengths[:, 0], kind="stable")[:together]
    rows = rows[: max(8, int(_LONGEST_ANSWERING / each))]
    sources = pairs.sources.take(pa.array(rows))
    endless = limit.model_copy(update={"min_length": limit.max_length})
    held = peak_memory()
    hypotheses_of(loop.state.model, PairExamples(sources, sources, None), endless)
    return max(before, held + (peak_memory() - held) * together // len(rows))


def _spread(pairs: PairExamples, most: int) -> PairExamples:
    """At most so many pairs, from all over the rows."""
    assert pairs.texts is not None
    chosen = slice(None, None, max(1, math.ceil(len(pairs) / most)))
    sources, targets = pairs.texts
    return PairExamples(
        pairs.sources[chosen], pairs.targets_column[chosen], (sources[chosen], targets[chosen])
    )


def _seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


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
