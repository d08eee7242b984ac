"""Processes that train together, and the trainings that tests give them."""

import multiprocessing
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor

from munjang.api import make_loop
from munjang.preparation import Prepared, prepare
from munjang.reporting import discard
from munjang.training.loop import Loop
from munjang.training.workers import ALONE, Workers

PATIENCE = 60.0


class Pool:
    """Processes of one group; each does what it is told, with its worker as the first argument."""

    def __init__(self, count: int) -> None:
        # a server forks each process, so that torch is imported once
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch._dynamo", "munjang.api", __name__])
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.is_broken = False
        self.pipes: list[Connection] = []
        self.processes = []
        for rank in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(rank, count, f"{folder}/meeting", theirs), daemon=True
            )
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def run(self, work: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Return what each process returned, in the order of their ranks."""
        assert not self.is_broken, "a worker failed in an earlier test"
        self.is_broken = True
        for pipe in self.pipes:
            pipe.send((work, arguments))
        results = []
        for pipe in self.pipes:
            assert pipe.poll(PATIENCE), "a worker hangs"
            failed, result = pipe.recv()
            assert not failed, result
            results.append(result)
        self.is_broken = False
        return results

    def close(self) -> None:
        """End the processes."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.join(10)
            process.kill()
        self._stack.close()


def _serve(rank: int, count: int, meeting: str, pipe: Connection) -> None:
    from munjang.training.workers.joining import join_workers

    torch.set_num_threads(1)
    place = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    environment = {**{k: str(v) for k, v in place.items()}, "MUNJANG_MEETING": meeting}
    with join_workers(environment) as workers:
        while True:
            try:
                work, arguments = pipe.recv()
            except (EOFError, ConnectionResetError):
                return
            try:
                pipe.send((False, work(_fresh(workers), *arguments)))
            except Exception:
                pipe.send((True, traceback.format_exc()))


def _fresh(workers: Workers) -> Workers:
    """A worker at the beginning of a training, in the group of one that may have trained."""
    return type(workers)(workers.place, workers.store) if workers.count > 1 else workers


def without_dropout(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with every dropout of their architecture at 0."""
    from munjang.recipe import make_recipe

    model = make_recipe(settings).model
    rates = {name: 0.0 for name in type(model).model_fields if "dropout" in name}
    return {**settings, "model": {**rates, **settings["model"]}}


def prepared(data: Any, settings: dict[str, Any]) -> Prepared:
    """A prepared training."""
    return prepare(data, None, settings, discard)


def train(
    workers: Workers, data: Any, settings: dict[str, Any], steps: int
) -> tuple[dict[str, Tensor], list[float], list[dict[str, Any]]]:
    """The weights after some steps, the losses of the steps, and the history."""
    loop = make_loop(prepared(data, settings), workers)
    return take_steps(workers, loop, steps)


def take_steps(
    workers: Workers, loop: Loop, steps: int
) -> tuple[dict[str, Tensor], list[float], list[dict[str, Any]]]:
    """The weights after some steps of a loop, the losses of the steps, and the history."""
    workers.share_state(loop.state)
    losses = []
    for step in loop:
        losses.append(step.loss)
        if step.number == steps:
            break
    history = [{**record, "seconds": 0} for record in loop.state.counters.history]
    return {k: v.clone() for k, v in loop.state.model.state_dict().items()}, losses, history


def train_alone(
    data: Any, settings: dict[str, Any], steps: int
) -> tuple[dict[str, Tensor], list[float], list[dict[str, Any]]]:
    """The same of one process."""
    return train(ALONE, data, settings, steps)
