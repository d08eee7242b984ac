"""Losses of ensemble members, each trained on all rows except a share of its own."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from munjang.data.dataset import AnyBatch
from munjang.tasks.task import TrainableTask


class RowOutputs(Protocol):
    """Outputs of a network of which rows can be taken: a tensor, or what indexes like one."""

    def __getitem__(self, rows: Tensor, /) -> Any:
        """Return the outputs of the rows that a boolean mask [batch] selects."""


class MemberLosses:
    """Losses of a network that in training returns a list of outputs, one per member.

    "Bagging predictors" (Breiman 1996), with parts of the rows left out instead of rows drawn
    twice: member k does not learn from part k of 1 / share equal parts, drawn at random.

    Args:
        rows: number of training rows.
        share: share of the rows that each member leaves out, 0 to 1/2; 0 for none.
        seed: seed of the parts.
    """

    def __init__(self, rows: int, share: float, seed: int) -> None:
        # more parts than rows would leave out no fewer rows: a part holds one at least
        self.parts = round(min(1 / share, max(rows, 2))) if share else 0
        self.rows, self.seed = rows, seed

    @cached_property
    def part_of(self) -> Tensor | None:
        """Part of each row [rows]; None if no row is left out.

        It is computed when it is first asked for: a network without members never asks.
        """
        if not self.parts:
            return None
        permutation = np.random.default_rng((self.seed, self.rows)).permutation(self.rows)
        return torch.from_numpy(permutation % self.parts)

    def __call__(
        self, task: TrainableTask, outputs: Sequence[RowOutputs], batch: AnyBatch
    ) -> list[Tensor]:
        """Return the loss of each member on the rows of `batch` that it learns from.

        A member that leaves out every row of the batch learns from all of them, since the mean of
        no losses is not a number.
        """
        assert batch.targets is not None
        if self.part_of is None:
            return [task.loss(output, batch.targets) for output in outputs]
        parts, losses = self.part_of[batch.rows.cpu()], []
        for member, output in enumerate(outputs):
            kept = (parts != member % self.parts).to(batch.targets.device)
            if not kept.any():
                kept = ~kept
            losses.append(task.loss(output[kept], batch.targets[kept]))
        return losses
