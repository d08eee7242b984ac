"""Scores of an exported model on data with labels."""

from collections.abc import Sequence
from typing import Any

import torch

from munjang.data.table import Table
from munjang.data.two_texts.table import FIRST, SECOND
from munjang.errors import ConfigError
from munjang.export.onnx.kinds import Runner
from munjang.inputs.two_texts import TwoTextsInput
from munjang.model import Model
from munjang.tasks.logits import LogitsTask


def check_can_evaluate(model: Model) -> None:
    """Refuse tasks whose scores need more than logits.

    Raises:
        ConfigError: naming the task.
    """
    if not isinstance(model.task, LogitsTask):
        raise ConfigError(
            f"--data: scores of an export are for the tasks classify, multilabel and regress, and "
            f"this model is of {model.recipe.task}; leave it out"
        )


def values_of(model: Model, rows: Table) -> list[Any]:
    """Return the texts of rows, or their pairs of texts."""
    if isinstance(model.input, TwoTextsInput):
        return list(zip(rows[FIRST].to_list(), rows[SECOND].to_list(), strict=True))
    texts: list[Any] = rows["text"].to_list()
    return texts


def evaluate_runner(model: Model, runner: Runner, rows: Table, values: Sequence[Any]) -> Any:
    """Return the scores of the answers of an exported model."""
    task = model.task
    assert isinstance(task, LogitsTask)
    outputs, _ = runner.outputs(values)
    return task.scores(torch.from_numpy(outputs), task.targets(rows))
