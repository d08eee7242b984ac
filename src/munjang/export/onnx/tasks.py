"""Tasks as settings that the runner reads."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.errors import ConfigError
from munjang.tasks.classify import Classify
from munjang.tasks.language import Language
from munjang.tasks.masked_lm import MaskedLm
from munjang.tasks.multilabel import Multilabel
from munjang.tasks.regress import Regress
from munjang.tasks.similarity import Similarity
from munjang.tasks.task import Task
from munjang.tasks.translate import Translate
from munjang.text.masks import find_mask_id
from munjang.text.word_pieces import has_space_marks


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
        "separator": task.settings.separator,
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


def _describe_similarity(task: Similarity) -> dict[str, Any]:
    return {
        "task": "similarity",
        "numbers": task.settings.loss == "cosine",
        "lowest": task.lowest,
        "highest": task.highest,
    }


def _describe_masked(task: MaskedLm) -> dict[str, Any]:
    vocabulary = task.vocabulary
    masks = {"id": find_mask_id(vocabulary), "owns_spaces": has_space_marks(vocabulary)}
    return {"task": "masked_lm", "masks": masks}


def _describe_language(task: Language) -> dict[str, Any]:
    return {"task": "language", "decoding": task.decoding.model_dump(mode="json")}


def _describe_translate(task: Translate) -> dict[str, Any]:
    if task.settings.copy_unknown:
        raise ConfigError(
            "translate.copy_unknown: the graphs of export onnx give no attention, by which words "
            "are copied; train with --set translate.copy_unknown=false"
        )
    if task.decoding.coverage_penalty:
        raise ConfigError(
            "decoding.coverage_penalty: the graphs of export onnx give no attention, which it "
            "needs; set it to 0"
        )
    return {"task": "translate", "decoding": task.decoding.model_dump(mode="json")}


_DESCRIBED: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Classify: _describe_classify,
    Multilabel: _describe_multilabel,
    Regress: _describe_regress,
    Similarity: _describe_similarity,
    MaskedLm: _describe_masked,
    Language: _describe_language,
    Translate: _describe_translate,
}
