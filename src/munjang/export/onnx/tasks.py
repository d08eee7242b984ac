"""Tasks as settings that the runner reads."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.errors import ConfigError
from munjang.tasks.classify import Classify
from munjang.tasks.multilabel import Multilabel
from munjang.tasks.regress import Regress
from munjang.tasks.task import Task


def describe_task(task: Task, name: str) -> dict[str, Any]:
    """Return the values of `munjang.json` that turn outputs of the graph into answers.

    Args:
        task: the fitted task.
        name: its name in the registry.

    Raises:
        ConfigError: the runner has no answers of this task.
    """
    describe = _DESCRIBED.get(type(task))
    if describe is None:
        raise ConfigError(f"export onnx: the runner has no answers of the task {name} (yet)")
    return describe(task)


def _describe_classify(task: Classify) -> dict[str, Any]:
    calibration = task.calibration
    decision = None if calibration is None else calibration.decision
    return {
        "task": "classify",
        "labels": list(task.labels),
        "temperature": 1.0 if calibration is None else calibration.temperature,
        "decision": None if decision is None else decision.model_dump(mode="json"),
        "outputs": task.outputs,
    }


def _describe_multilabel(task: Multilabel) -> dict[str, Any]:
    return {
        "task": "multilabel",
        "labels": list(task.labels),
        "thresholds": list(task.thresholds or [0.5] * len(task.labels)),
        "outputs": task.outputs,
    }


def _describe_regress(task: Regress) -> dict[str, Any]:
    return {
        "task": "regress",
        "loss": task.settings.loss,
        "mean": task.mean,
        "scale": task.scale,
        "outputs": 1,
    }


_DESCRIBED: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Classify: _describe_classify,
    Multilabel: _describe_multilabel,
    Regress: _describe_regress,
}
