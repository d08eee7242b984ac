"""Tasks as config.json and generation_config.json say them."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError
from munjang.model import Model
from munjang.tasks.classify import Classify
from munjang.tasks.language import Language
from munjang.tasks.multilabel import Multilabel
from munjang.tasks.regress import Regress
from munjang.tasks.task import Task
from munjang.tasks.translate import Translate
from munjang.text.vocabulary import EOS, GO, OOV, PAD

Values = dict[str, Any]


def describe_task(task: Task, name: str) -> Values:
    """Return the labels and the kind of a problem, and how logits become answers.

    Args:
        task: the fitted task.
        name: its name in the registry.

    Raises:
        ConfigError: transformers has no such problem.
    """
    describe = _DESCRIBED.get(type(task))
    if describe is None:
        raise ConfigError(f"task: transformers has no class for {name}")
    scale = {"output_scale": 1.0, "output_shift": 0.0, "exponential": False}
    return {**scale, **describe(task)}


def list_labels(names: tuple[str, ...]) -> Values:
    """Return the names of labels as config.json has them."""
    return {
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
    }


def _classify(task: Classify) -> Values:
    temperature = 1.0 if task.calibration is None else task.calibration.temperature
    return {
        "problem_type": "single_label_classification",
        **list_labels(task.labels),
        "outputs": task.outputs,
        "output_scale": 1.0 / temperature,
    }


def _multilabel(task: Multilabel) -> Values:
    return {
        "problem_type": "multi_label_classification",
        **list_labels(task.labels),
        "outputs": task.outputs,
        "thresholds": list(task.thresholds or [0.5] * len(task.labels)),
    }


def _regress(task: Regress) -> Values:
    return {
        "problem_type": "regression",
        **list_labels(("value",)),
        "outputs": 1,
        "output_scale": task.scale,
        "output_shift": task.mean,
        "exponential": task.settings.loss == "poisson",
    }


_DESCRIBED: Mapping[type, Callable[[Any], Values]] = {
    Classify: _classify,
    Multilabel: _multilabel,
    Regress: _regress,
}


def generation_of_language(model: Model) -> Values:
    """Return generation_config.json of a language model; nothing ends running text."""
    decoding: DecodingSettings = model.task.decoding  # type: ignore[attr-defined]
    return {
        "pad_token_id": PAD,
        "bos_token_id": EOS,
        "suppress_tokens": [PAD, OOV, GO],
        "max_new_tokens": decoding.max_length,
        "use_cache": False,
        **_sampling(decoding),
    }


def generation_of_translation(model: Model) -> Values:
    """Return generation_config.json of an encoder-decoder: greedy, or sampling."""
    decoding: DecodingSettings = model.task.decoding  # type: ignore[attr-defined]
    may_be_unknown = decoding.allow_unknown
    if isinstance(model.task, Translate):
        may_be_unknown |= model.task.settings.copy_unknown
    return {
        "pad_token_id": PAD,
        "bos_token_id": GO,
        "decoder_start_token_id": GO,
        "eos_token_id": EOS,
        "suppress_tokens": [PAD, GO] if may_be_unknown else [PAD, OOV, GO],
        "max_new_tokens": decoding.max_length,
        "min_new_tokens": decoding.min_length or None,
        "no_repeat_ngram_size": decoding.no_repeat_ngram_size or None,
        "use_cache": False,
        **_sampling(decoding),
    }


def _sampling(decoding: DecodingSettings) -> Values:
    if decoding.method != "sample":
        return {"do_sample": False}
    return {
        "do_sample": True,
        "temperature": decoding.temperature,
        "top_k": decoding.top_k or 0,
        "top_p": decoding.top_p,
    }


def find_left_out(model: Model) -> list[str]:
    """Return what an export does not hold of a model, a line each."""
    notes, task = [], model.task
    if isinstance(task, Multilabel):
        notes.append("thresholds of the labels are in config.json, and not applied to logits")
    if isinstance(task, Classify) and task.calibration is not None:
        notes.append("logits are divided by the temperature of the calibration")
        if task.calibration.decision is not None:
            notes.append("left out: the threshold for costs of errors")
    if getattr(model.network, "pair_output", None) is not None:
        notes.append("left out: what judges pairs of texts")
    if isinstance(task, Translate):
        notes += _left_out_of_answers(task)
    if isinstance(task, Language | Translate):
        notes.append("generate() reads all tokens again at each step: there is no cache")
    if isinstance(task, Language) and task.decoding.no_repeat_ngram_size:
        notes.append("left out: decoding.no_repeat_ngram_size")
    return notes


def _left_out_of_answers(task: Translate) -> list[str]:
    notes = []
    if task.decoding.method == "beam" and task.decoding.beam > 1:
        notes.append(
            "generate() takes the likeliest token at each step; num_beams=5 searches, with another "
            "length penalty than munjang's"
        )
    if task.settings.copy_unknown:
        notes.append("left out: translate.copy_unknown; an unknown word stays <oov>")
    return notes
