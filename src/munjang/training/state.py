"""All that a training run must remember to go on after it was stopped."""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from munjang.training.optimisers import Optimiser

Weights = dict[str, Tensor]


@dataclass
class Counters:
    """The numbers of a run, all plain JSON.

    Attributes:
        step: optimiser steps done.
        stale: evaluations since the best one.
        averaged: how many snapshots the running average holds.
        best_value: best metric so far, larger is better; None before the first evaluation.
        best_loss: of that evaluation, see `munjang.tasks.figures.loss_of`.
        best_step: the step it was reached at.
        best_is_average: whether the averaged weights reached it.
        among_best: metrics of the snapshots, larger is better.
        loss_sum: losses since the last evaluation, summed.
        loss_count: how many.
        seconds: time spent in training, over all sittings.
        stopped: no more steps are to be done.
        diverged: it stopped since the weights were no finite numbers any more.
        history: one record an evaluation.
    """

    step: int = 0
    stale: int = 0
    averaged: int = 0
    best_value: float | None = None
    best_loss: float = 0.0
    best_step: int = 0
    best_is_average: bool = False
    among_best: list[float] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_count: int = 0
    seconds: float = 0.0
    stopped: bool = False
    diverged: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class TrainingState:
    """The model, its optimisers, the best and the averaged weights, and the counters.

    `snapshots` are the weights of some best evaluations, where those are averaged.
    """

    model: nn.Module
    optimisers: list[Optimiser]
    counters: Counters = field(default_factory=Counters)
    best: Weights = field(default_factory=dict)
    average: Weights = field(default_factory=dict)
    snapshots: list[Weights] = field(default_factory=list)

    def keep_as_best(self, weights: Weights) -> None:
        """Copy `weights` as the best so far."""
        self.best = {name: tensor.detach().clone() for name, tensor in weights.items()}

    def add_to_average(self) -> None:
        """Take the model's weights into the running mean (Izmailov et al. 2018)."""
        self.counters.averaged += 1
        for name, tensor in self.model.state_dict().items():
            if name not in self.average:
                self.average[name] = tensor.detach().clone()
            elif tensor.is_floating_point():
                self.average[name].lerp_(tensor, 1 / self.counters.averaged)

    def keep_among_best(self, value: float, most: int) -> None:
        """Keep the model's weights if they are among the `most` best so far; of equals the first.

        Args:
            value: how good they are, larger is better.
            most: how many to keep.
        """
        values = self.counters.among_best
        if len(values) == most:
            worst = min(range(most), key=lambda k: (values[k], -k))
            if value <= values[worst]:
                return
            del values[worst], self.snapshots[worst]
        values.append(value)
        weights = self.model.state_dict()
        self.snapshots.append({name: tensor.detach().clone() for name, tensor in weights.items()})

    def mean_of_best(self) -> Weights:
        """The mean of the snapshots; what is no float is that of the last."""
        last = self.snapshots[-1]
        return {
            name: torch.stack([one[name] for one in self.snapshots]).mean(0)
            if tensor.is_floating_point()
            else tensor
            for name, tensor in last.items()
        }

    def tensors(self) -> Weights:
        """Every tensor of the run by a flat name."""
        named = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        named |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        named |= {f"average.{name}": tensor for name, tensor in self.average.items()}
        for number, snapshot in enumerate(self.snapshots):
            named |= {f"snapshot.{number}.{name}": tensor for name, tensor in snapshot.items()}
        for number, optimiser in enumerate(self.optimisers):
            for place, values in optimiser.state.items():
                named |= {f"optimiser.{number}.{place}.{key}": t for key, t in values.items()}
        return {name: tensor.contiguous() for name, tensor in named.items()}

    def numbers(self) -> dict[str, Any]:
        """The counters as plain JSON."""
        return asdict(self.counters)

    def restore(self, tensors: Weights, numbers: dict[str, Any]) -> None:
        """Go back to what `tensors` and `numbers` held."""
        self.counters = Counters(**numbers)
        self.model.load_state_dict(_under(tensors, "model."))
        self.best = _under(tensors, "best.")
        self.average = _under(tensors, "average.")
        kept = range(len(self.counters.among_best))
        self.snapshots = [_under(tensors, f"snapshot.{number}.") for number in kept]
        for number, optimiser in enumerate(self.optimisers):
            optimiser.state.clear()
            for name, tensor in _under(tensors, f"optimiser.{number}.").items():
                place, key = name.split(".")
                optimiser.state.setdefault(int(place), {})[key] = tensor


def _under(tensors: Weights, prefix: str) -> Weights:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
