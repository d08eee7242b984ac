"""How a task whose answer to a row is one vector of logits is judged on a dataset."""

from collections.abc import Iterator
from typing import Any, Protocol, Self, cast

import numpy as np
from torch import Tensor, nn

from munjang.data.dataset import Dataset
from munjang.tasks.inference import logits_in_batches
from munjang.tasks.metrics import Ints

# Probabilities, in 64 bits, of as many rows as have so many of them are held at once.
MOST_AT_ONCE = 2**20


class Scorer(Protocol):
    """Takes logits batch by batch, and keeps of each row only what the scores need."""

    def add(self, rows: Ints, logits: Tensor) -> None:
        """Take the logits [batch, outputs] of the rows at some places [batch] of the targets."""

    def scores(self) -> Any:
        """The scores of all rows, each of which has been added once."""


class JudgedByLogits:
    """Judges in memory that grows with the rows, with the `scorer` of the task."""

    scorer: Any  # from targets to a Scorer

    def scores(self, logits: Tensor, targets: Any) -> Any:
        """Judge logits [rows, outputs] against `targets` [rows, ...]."""
        scorer = self.scorer(targets)
        scorer.add(np.arange(len(targets)), logits)
        return scorer.scores()

    def judge(self, network: nn.Module, data: Dataset) -> Any:
        """Scores of `network` on `data`, which has targets."""
        scorer = self.scorer(data.targets)
        outputs: int = cast(Any, self).outputs
        for rows, logits in logits_in_batches(network, data, outputs):
            scorer.add(rows.numpy(), logits)
        return scorer.scores()

    def concluded(self, network: nn.Module, data: Dataset) -> tuple[Self, Any]:
        """The task as it is, of which nothing is learned from `data`, and the scores on it."""
        return self, self.judge(network, data)


def in_parts(rows: int, outputs: int) -> Iterator[slice]:
    """Cut so many rows of so many outputs into parts none of which has very many numbers."""
    most = max(1, MOST_AT_ONCE // max(1, outputs))
    return (slice(start, start + most) for start in range(0, rows, most))
