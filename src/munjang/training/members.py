"""What each of several members learns from: all rows but a share of its own."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from munjang.data.dataset import AnyBatch
from munjang.tasks.task import TrainableTask


class MemberLosses:
    """Losses of a network's members, which in training gives a list of outputs, one a member.

    "Bagging predictors" (Breiman 1996), with parts of the rows left out in place of rows drawn
    twice: member k does not learn from part k of 1 / share equal parts, drawn at random.

    Args:
        rows: how many there are to train on.
        share: of the rows that each member leaves out, 0 to 1/2; 0 = none.
        seed: decides the parts.
    """

    def __init__(self, rows: int, share: float, seed: int) -> None:
        # parts of less than a row are no smaller for being more
        self.parts = round(min(1 / share, max(rows, 2))) if share else 0
        drawn = np.random.default_rng((seed, rows)).permutation(rows)
        self.part_of = torch.from_numpy(drawn % self.parts) if self.parts else None

    def __call__(self, task: TrainableTask, outputs: list[Any], batch: AnyBatch) -> list[Tensor]:
        """The loss of each member on the rows of `batch` that it learns from.

        Where it learns from none of them, it learns from all: a loss of no rows is no number.
        """
        assert batch.targets is not None
        if self.part_of is None:
            return [task.loss(one, batch.targets) for one in outputs]
        part, losses = self.part_of[batch.rows.cpu()], []
        for member, one in enumerate(outputs):
            learned = (part != member % self.parts).to(batch.targets.device)
            kept = learned if learned.any() else ~learned
            losses.append(task.loss(one[kept], batch.targets[kept]))
        return losses
