"""Distillation: a task whose targets are the answers of other models (its teachers).

Hinton, Vinyals and Dean (2015), "Distilling the knowledge in a neural network". Rows without a
label are learned from the teachers alone; labeled rows from the teachers and from their label.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.data.dataset import Dataset
from munjang.data.table import Table
from munjang.tasks.distillation_settings import DistillationSettings
from munjang.tasks.task import Encoded, Floats, TaskScores

Targets = npt.NDArray[Any]


@dataclass(frozen=True)
class DistilledTask:
    """A task that learns soft targets; its answers and scores are those of the task itself.

    Its training targets are [rows, soft columns + hard columns]: the teachers' answer, then the
    label as numbers, NaN for rows without one.

    Attributes:
        task: the task of the student, a `munjang.tasks.task.Task` that `GivesSoftTargets`.
        settings: temperature and weights.
    """

    task: Any
    settings: DistillationSettings

    @property
    def soft_columns(self) -> int:
        """Number of soft targets per row: one per label, or one number."""
        return max(1, len(self.task.labels))

    @cached_property
    def _hard_like(self) -> Tensor:
        """One hard target [1, ...], whose type and shape all of them have."""
        return torch.from_numpy(self.task.decide(np.zeros((1, self.soft_columns))))

    @property
    def dtype(self) -> npt.DTypeLike:
        """Type of the training targets: float64 for numbers in the user's unit, else float32."""
        return np.float64 if self._hard_like.dtype == torch.float64 else np.float32

    def unanswered(self, rows: Table) -> Targets:
        """Return the training targets of rows before the teachers answered: NaN, and labels.

        Raises:
            DataError: a label is none of the task's.
        """
        hard_columns = self._hard_like.numel()
        targets = np.full((len(rows), self.soft_columns + hard_columns), np.nan, self.dtype)
        if rows.targets is not None:
            labeled = np.flatnonzero(rows.targets.is_not_null().to_numpy())
            if len(labeled):
                hard = self.task.targets(rows.take(labeled))
                targets[labeled, self.soft_columns :] = hard.reshape(len(labeled), hard_columns)
        return targets

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over rows of the weighted losses, a scalar.

        Args:
            outputs: logits [batch, outputs].
            targets: [batch, soft columns + hard columns].
        """
        soft, hard = targets[:, : self.soft_columns], targets[:, self.soft_columns :]
        losses: Tensor = self.task.soft_loss(outputs, soft, self.settings.temperature)
        labeled = ~hard[:, 0].isnan()
        count = int(labeled.count_nonzero())
        if not count:
            return losses.mean()
        weights = torch.where(labeled, self.settings.soft_weight, 1.0)
        like = self._hard_like
        truth = hard[labeled].to(like.dtype).reshape(count, *like.shape[1:])
        # the task's own loss of a batch is a mean over its rows
        from_labels = (1 - self.settings.soft_weight) * self.task.loss(outputs[labeled], truth)
        total: Tensor = (losses * weights).sum() + from_labels * count
        return total / len(losses)

    def dataset(self, encoded: Encoded, rows: Table) -> Dataset:
        """Return encoded rows; their targets are known once the teachers have answered."""
        return encoded.dataset()

    def solve(self, features: Any, targets: Targets) -> tuple[Floats, Floats]:
        """Fit the linear model of an ensemble to the answers that the teachers decide for."""
        hard = self.task.decide(np.asarray(targets[:, : self.soft_columns]))
        weights, bias = self.task.solve(features, hard)
        return weights, bias

    def with_input(self, fitted: Any) -> Self:
        """Return the task with what it needs of the fitted input."""
        return replace(self, task=self.task.with_input(fitted))

    def remarks(self, train: Table) -> list[str]:
        """Return the task's notes on the labeled rows; none without labels."""
        if train.targets is None:
            return []
        labeled = np.flatnonzero(train.targets.is_not_null().to_numpy())
        notes: list[str] = self.task.remarks(train.take(labeled))
        return notes

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels."""
        names: tuple[str, ...] = self.task.labels
        return names

    @property
    def outputs(self) -> int:
        """Number of logits per row."""
        return int(self.task.outputs)

    def network(self, body: nn.Module) -> nn.Module:
        """Return a fresh head of the task on `body`."""
        network: nn.Module = self.task.network(body)
        return network

    def validate(self, network: nn.Module, data: Dataset) -> TaskScores:
        """Return the task's scores during training."""
        scores: TaskScores = self.task.validate(network, data)
        return scores

    def finalize(self, network: nn.Module, data: Dataset) -> Any:
        """Return the task itself, finalized: the student is an ordinary model of it."""
        return self.task.finalize(network, data)

    def state(self) -> Mapping[str, Any]:
        """Return the fitted values of the task."""
        values: Mapping[str, Any] = self.task.state()
        return values
