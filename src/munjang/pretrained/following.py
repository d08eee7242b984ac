"""Settings that follow from a model folder, and those of the user that contradict them."""

from collections.abc import Mapping
from typing import Any

from munjang.config import Settings, merge
from munjang.errors import ConfigError
from munjang.inputs.input import FitsFrom, Input
from munjang.model import Model
from munjang.recipe import PretrainedSettings, named_input, section_of
from munjang.tasks.heads import find_heads
from munjang.tasks.task import Task


def follow(model: Model, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's settings, with those that a model determines.

    Architecture and tokenizer are those of the model. Settings that no weight depends on, such as
    dropout rates, are not taken over.

    Args:
        model: the model to begin from.
        name: its folder, for messages.
        given: the user's settings, nested as in `config.yaml`.

    Raises:
        ConfigError: a setting contradicts the model, or it has no encoder for the input.
    """
    heads = find_heads(model.network)
    if not heads:
        raise ConfigError(
            f"pretrained.folder: {name} is a model of the task {model.recipe.task}, which has no "
            "encoder that another task could begin from"
        )
    architecture = model.recipe.architecture
    own = {"model": {"name": architecture.name}}
    refuse(find_difference(own, given), name)
    kind = named_input(merge(own, given))
    input_class: type[Input] = kind.load()
    if kind.name not in architecture.takes or not issubclass(input_class, FitsFrom):
        raise ConfigError(
            f"pretrained.folder: {name} is a {architecture.name} on the input "
            f"{model.recipe.input}, and the input {kind.name} cannot begin from it"
        )
    try:
        sections = input_class.settings_from(model.input)
    except ConfigError as error:
        raise ConfigError(f"pretrained.folder: {name}: {error}") from None
    # first, as settings of one tokenizer are none of another
    refuse(find_difference(_names(sections), given), name)
    kinds: dict[str, type[Settings]] = {
        **input_class.sections,
        "model": architecture.config_class(),
    }
    own = {**sections, "model": _model_settings(model)}
    settings = merge(own, given)
    changed = find_difference(own, _parse(settings, own, kinds))
    free = input_class.may_differ
    if PretrainedSettings.parse(section_of(given, "pretrained")).allow_partial:
        free = free.union(f"model.{key}" for key in own["model"] if key != "name")
    else:
        free = free.union(f"model.{key}" for key in free_settings(model))
    refuse([difference for difference in changed if difference[0] not in free], name)
    return settings


def _names(sections: Mapping[str, Any]) -> dict[str, Any]:
    return {key: {"name": part["name"]} for key, part in sections.items() if "name" in part}


def _model_settings(model: Model) -> dict[str, Any]:
    config = model.recipe.model
    own = config.model_dump(mode="json", exclude=set(_not_in_weights(config)))
    return dict(own)


def _not_in_weights(config: Settings) -> frozenset[str]:
    return getattr(config, "not_in_weights", frozenset())


def pooled_parts(config: Settings) -> Mapping[str, tuple[str, ...]]:
    """Return the modules that only the pooled vector needs, each with its settings."""
    return getattr(config, "pooled_parts", {})


def free_settings(model: Model) -> frozenset[str]:
    """Return the settings of the architecture that may differ from those of the model.

    They are those that no weight depends on, and those of modules that only the pooled vector
    needs: such a module begins at random if it is another one.
    """
    config = model.recipe.model
    parts = pooled_parts(config).values()
    return _not_in_weights(config).union(*parts)


def is_continued(model: Model, task: Task, task_name: str) -> bool:
    """Return whether a task asks what the model answers, so that its head can be taken over."""
    return (
        model.recipe.task == task_name
        and model.task.labels == task.labels
        and model.task.state() == task.state()
    )


def _parse(
    settings: Mapping[str, Any], own: Mapping[str, Any], kinds: Mapping[str, type[Settings]]
) -> dict[str, Any]:
    """Return the settings of the sections in `own` as their classes read them."""
    return {
        section: kinds[section]
        .parse(section_of(settings, section), where=section)
        .model_dump(mode="json")
        for section in own
    }


def find_difference(own: Mapping[str, Any], given: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return the settings that differ: dotted key, value of the folder, value of the user."""
    found = []
    for section, values in own.items():
        named = section_of(given, section)
        found += [
            (f"{section}.{key}", value, named[key])
            for key, value in values.items()
            if key in named and named[key] != value
        ]
    return found


def refuse(differences: list[tuple[str, Any, Any]], name: str) -> None:
    """Raise for the first difference.

    Raises:
        ConfigError: naming the setting and both values.
    """
    for key, own, given in differences:
        option = _OPTIONS.get(key)
        typed = "" if option is None else f" ({option})"
        raise ConfigError(
            f"{key}: {name} has {_shown(own)} and {_shown(given)} is asked for; leave {key}"
            f"{typed} out, or begin from another folder"
        )


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


_OPTIONS = {"model.name": "--model", "tokenizer.name": "--tokenizer"}
