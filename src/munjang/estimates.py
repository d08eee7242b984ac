"""What a training will cost in memory and time, from its real tensors and a few of its real steps.

An estimate, and said to be one: other work on the machine, early stopping and slow disks change it.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from munjang.api import make_loop
from munjang.data.batches import Examples
from munjang.memory import peak_memory
from munjang.preparation import Prepared
from munjang.tasks.inference import logits_of
from munjang.text.columns import values_and_offsets
from munjang.training.loop import Loop

# The first steps are slower: memory is taken from the system, kernels are chosen.
WARM_UP_STEPS = 3
VALIDATION_SAMPLE = 512


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
        memory_bytes: peak memory of the process, PyTorch itself and the texts included.
        steps: optimiser steps if nothing stops it early.
        tokens_per_second: real tokens, padding not counted, in training.
        seconds: of the whole training, evaluations included.
        evaluation_seconds: of one look at the validation part, the average's included.
        timed_steps: how many steps were really taken to say so.
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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def estimate_training(prepared: Prepared, *, seconds: float = 2.0) -> Estimate:
    """Take a few real steps, and scale up.

    Args:
        prepared: what would be trained. Nothing of it changes.
        seconds: the most time to spend on steps.
    """
    recipe = prepared.recipe
    with _threads(recipe.training.threads), torch.random.fork_rng(devices=[]):
        loop = make_loop(prepared)
        steps, rate = _time_steps(loop, seconds)
        evaluation = _evaluation_seconds(loop, prepared.valid)
    state = loop.state
    weights = _size(state.model.state_dict().values())
    optimiser = _size(
        value for one in state.optimisers for kept in one.state.values() for value in kept.values()
    )
    averaging = recipe.training.averaging is not None or recipe.training.average_best is not None
    evaluation *= 2 if averaging else 1
    copies = weights * (2 if averaging else 1)
    passes = loop.total / loop.per_epoch
    tokens = len(values_and_offsets(prepared.train.column)[0]) * passes
    evaluations = passes * recipe.training.evaluations_per_epoch
    return Estimate(
        model=recipe.model_name,
        parameters=sum(parameter.numel() for parameter in state.model.parameters()),
        weights_bytes=weights,
        optimiser_bytes=optimiser,
        copies_bytes=copies,
        checkpoint_bytes=weights + optimiser + copies,
        # to score the average, the weights of the moment are put aside
        memory_bytes=(peak_memory() or weights + optimiser)
        + copies
        + (weights if averaging else 0),
        steps=loop.total,
        tokens_per_second=rate,
        seconds=tokens / rate + evaluations * evaluation,
        evaluation_seconds=evaluation,
        timed_steps=steps,
    )


def _time_steps(loop: Loop, seconds: float) -> tuple[int, float]:
    """How many steps were timed, and the real tokens a second in them.

    A loop that ends before the warm-up does is timed with its warm-up.
    """
    began = time.perf_counter()
    warm = min(WARM_UP_STEPS, loop.total - 1)
    steps = iter(loop)
    for _ in islice(steps, warm):
        pass
    taken, tokens, start = 0, 0, time.perf_counter()
    for step in steps:
        taken, tokens = taken + 1, tokens + step.tokens
        if time.perf_counter() - began > seconds:
            break
    return taken, max(tokens, 1) / max(time.perf_counter() - start, 1e-9)


def _evaluation_seconds(loop: Loop, valid: Examples) -> float:
    """Seconds of one look at the validation part, from a sample of it."""
    rows = len(valid)
    sample = Examples(valid.column[:: max(1, rows // VALIDATION_SAMPLE)])
    start = time.perf_counter()
    logits_of(loop.state.model, sample)
    return (time.perf_counter() - start) * rows / max(1, len(sample))


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
