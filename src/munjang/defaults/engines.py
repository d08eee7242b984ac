"""Defaults of tasks that several engines can train: which engine, and what suits it."""

from collections.abc import Mapping
from typing import Any

from munjang.config import merge
from munjang.errors import ConfigError
from munjang.registry import TASKS, TaskRow
from munjang.training.settings import TrainingSettings

# Laid on the defaults of the task. gensim learns by plain gradient descent, pair by pair.
_BY_ENGINE: dict[str, dict[str, Any]] = {
    "gensim": {
        "model": {"subword_scheme": "fasttext"},
        "training": {"embedding_learning_rate": 0.025, "threads": None},
    },
}

# Settings that an engine has not. With a value other than the default they are refused.
_UNUSED: dict[str, dict[str, tuple[str, ...]]] = {
    "gensim": {
        "model": ("subword_scheme",),
        "vectors": ("shared_negatives",),
        "training": (
            "embedding_optimizer",
            "head_learning_rate",
            "layer_decay",
            "beta2",
            "weight_decay",
            "decay_embeddings",
            "clip_norm",
            "average_after",
            "average_best",
            "device",
            "precision",
        ),
    },
}


def named_engine_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what suits the engine that the user names; nothing if none is named."""
    name = _section(given, "training").get("engine")
    # any other value is refused where settings are parsed
    return _BY_ENGINE.get(name, {}) if isinstance(name, str) else {}


def engine_defaults(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the engine and what suits it; nothing for a task that one engine trains.

    Args:
        given: the user's settings, with the names of the model and the task.
        defaults: the other defaults of the task.

    Raises:
        ConfigError: the engine is named, and a setting is given that it does not have.
    """
    task = TASKS.find(given.get("task"))
    if task is None or len(task.engines) < 2:
        return {}
    name = _section(given, "training").get("engine")
    if name is None:
        name = task.engines[0]  # the same on every machine, whatever is installed there
    elif not isinstance(name, str):
        return {}  # refused where settings are parsed
    elif unused := _find_unused(name, task, given, defaults):
        raise ConfigError(
            f"{unused}: the engine {name} has no such setting; leave it out, or set "
            f"training.engine={task.engines[0]}"
        )
    return merge({"training": {"engine": name}}, _BY_ENGINE.get(name, {}))


def _find_unused(
    name: str, task: TaskRow, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> str | None:
    """Return the first given setting that an engine does not have, with another value."""
    kinds = {"training": TrainingSettings, **task.load().sections}
    for section, keys in _UNUSED.get(name, {}).items():
        own, known = _section(given, section), _section(defaults, section)
        known = {**known, **_section(_BY_ENGINE[name], section)}
        for key in keys:
            field = kinds[section].model_fields[key] if section in kinds else None
            if key in own and own[key] != known.get(key, field.default if field else None):
                return f"{section}.{key}"
    return None


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a section of nested settings; an empty one if there is none."""
    section = values.get(name)
    return section if isinstance(section, Mapping) else {}
