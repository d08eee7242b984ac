"""Defaults of tasks that several engines can train: which engine, and what suits it."""

from collections.abc import Mapping
from typing import Any

from munjang.config import merge
from munjang.errors import ConfigError
from munjang.registry import ENGINES, TASKS, TaskRow
from munjang.training.settings import TrainingSettings

# Laid on the defaults of the task. gensim learns by plain gradient descent, pair by pair.
_BY_ENGINE: dict[str, dict[str, Any]] = {
    "gensim": {
        "model": {"subword_scheme": "fasttext"},
        "training": {"embedding_learning_rate": 0.025, "threads": None},
    },
}

# Settings that an engine has not. With a value other than the default they choose another engine.
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

# Rows from which on an installed engine is the default for a model with n-grams of characters. By
# plain gradient descent all words of 400 lines end in one direction (docs/log.md).
_ENOUGH_ROWS = {"gensim": 5_000}


def named_engine_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what suits the engine that the user names; nothing if none is named."""
    return _BY_ENGINE.get(str(_section(given, "training").get("engine")), {})


def engine_defaults(
    given: Mapping[str, Any], defaults: Mapping[str, Any], rows: int
) -> dict[str, Any]:
    """Return the engine and what suits it; nothing for a task that one engine trains.

    Args:
        given: the user's settings, with the names of the model and the task.
        defaults: the other defaults of the task.
        rows: number of texts; 0 = unknown.

    Raises:
        ConfigError: the engine is named, and a setting is given that it does not have.
    """
    task = TASKS.find(given.get("task"))
    if task is None or len(task.engines) < 2:
        return {}
    name = _section(given, "training").get("engine")
    if name is None:
        name = _choose(task, given, defaults, rows)
    elif unused := _find_unused(str(name), task, given, defaults):
        raise ConfigError(
            f"{unused}: the engine {name} has no such setting; leave it out, or set "
            f"training.engine={task.engines[0]}"
        )
    return merge({"training": {"engine": name}}, _BY_ENGINE.get(name, {}))


def _choose(task: TaskRow, given: Mapping[str, Any], defaults: Mapping[str, Any], rows: int) -> str:
    """Return the engine of a task, if the user names none: the first that is worth it."""
    ngrams = {**_section(defaults, "model"), **_section(given, "model")}.get("subword_ngrams", True)
    for name in task.engines[1:]:
        is_worth_it = bool(ngrams) and rows >= _ENOUGH_ROWS.get(name, 0)
        if is_worth_it and ENGINES.require(name).is_installed:
            return task.engines[0] if _find_unused(name, task, given, defaults) else name
    return task.engines[0]


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
