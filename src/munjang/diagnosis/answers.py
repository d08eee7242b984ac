"""Labeled rows with the logits of a model, which every diagnosis begins with."""

from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.model import Model
from munjang.reporting import pluralize, stage
from munjang.tasks.row_judgments import JudgesRows, RowJudgments
from munjang.tasks.task import Encoded, GivesLogits


class JudgingTask(JudgesRows, GivesLogits, Protocol):
    """A task with logits, whose answers are right or wrong row by row."""

    def targets(self, rows: Table) -> npt.NDArray[Any]:
        """Return the targets of labeled rows."""


@dataclass(frozen=True, eq=False)
class AnsweredRows:
    """Labeled rows, and what a model answers.

    Attributes:
        model: the model.
        table: the rows.
        encoded: the rows as the model reads them.
        targets: their targets, [rows, ...].
        logits: of the model, [rows, outputs].
    """

    model: Model
    table: Table
    encoded: Encoded
    targets: npt.NDArray[Any]
    logits: Tensor

    def judge(self) -> RowJudgments:
        """Return the judgments of all rows."""
        return cast("JudgingTask", self.model.task).judge_rows(self.logits, self.targets)


def require_judging(model: Model, command: str) -> JudgingTask:
    """Return the task of a model whose answers are right or wrong row by row.

    Args:
        model: the model.
        command: what needs it, for messages.

    Raises:
        ConfigError: they are not.
    """
    task = model.task
    if not (isinstance(task, JudgesRows) and isinstance(task, GivesLogits)):
        raise ConfigError(
            f"{command}: is for models of the tasks classify, multilabel and regress, this one is "
            f"of {model.recipe.task}"
        )
    return cast("JudgingTask", task)


def answer_rows(model: Model, table: Table) -> AnsweredRows:
    """Answer labeled rows.

    Args:
        model: a model with logits.
        table: the rows.

    Raises:
        DataError: a label was never seen in training, or the logits are not finite.
    """
    task = cast("JudgingTask", model.task)
    encoded = model.input.encode(table)
    targets = np.asarray(task.targets(table))
    with stage(f"answering {pluralize(len(table), 'row')}"):
        logits = task.logits(model.network, encoded)
    if not bool(torch.isfinite(logits).all()):
        raise DataError("the model gives numbers that are not finite; train it again")
    return AnsweredRows(model, table, encoded, targets, logits)
