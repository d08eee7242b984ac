"""Tasks as a description for the page: how answers are made of logits."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.errors import ConfigError
from munjang.tasks.classify import Classify
from munjang.tasks.multilabel import Multilabel
from munjang.tasks.regress import Regress

Description = dict[str, Any]


def describe_task(task: Any, name: str) -> Description:
    """Return the description of a task.

    Args:
        task: the task.
        name: its name, for the message.

    Raises:
        ConfigError: the page cannot show its answers.
    """
    write = _TASKS.get(type(task))
    if write is None:
        raise ConfigError(
            f"a page shows answers of classify, multilabel and regress; this model is of {name}"
        )
    return write(task)


def _classify(task: Classify) -> Description:
    calibration = task.calibration
    decision = None if calibration is None else calibration.decision
    return {
        "kind": "classes",
        "labels": list(task.labels),
        "temperature": 1.0 if calibration is None else calibration.temperature,
        "decision": None
        if decision is None
        else {"positive": decision.positive, "threshold": decision.threshold},
    }


def _multilabel(task: Multilabel) -> Description:
    thresholds = list(task.thresholds or [0.5] * len(task.labels))
    return {"kind": "label_sets", "labels": list(task.labels), "thresholds": thresholds}


def _regress(task: Regress) -> Description:
    is_logarithm = task.settings.loss == "poisson"
    scaling = {"mean": task.mean, "scale": task.scale}
    return {"kind": "numbers", **scaling, "is_logarithm": is_logarithm}


_TASKS: Mapping[type[Any], Callable[[Any], Description]] = {
    Classify: _classify,
    Multilabel: _multilabel,
    Regress: _regress,
}
