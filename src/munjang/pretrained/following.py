"""Settings that follow from a model folder, and those of the user that contradict them."""

from collections.abc import Mapping
from typing import Any

from munjang.config import Settings, merge
from munjang.errors import ConfigError
from munjang.inputs.input import FitsFrom, Input
from munjang.model import Model
from munjang.models.encoder_source import EncoderSourceConfig
from munjang.names import join_names
from munjang.recipe import PretrainedSettings, named_input, named_task, section_of
from munjang.registry import ARCHITECTURES, ArchitectureRow, find_architectures
from munjang.tasks.heads import find_members
from munjang.tasks.task import Calibrates, Task


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
    if not find_members(model.network):
        raise ConfigError(
            f"pretrained.folder: {name} is a model of the task {model.recipe.task}, which has no "
            "encoder that another task could begin from"
        )
    named = {"model": {"name": model.recipe.architecture.name}}
    refuse(find_difference(named, given), name)
    settings = merge(named, given)
    architecture = _architecture_from(model, name, settings)
    input_class: type[Input] = named_input(settings).load()
    assert issubclass(input_class, FitsFrom), "_architecture_from has checked it"
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
    own = {**sections, "model": determined_settings(model, architecture)}
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


def _architecture_from(model: Model, name: str, given: Mapping[str, Any]) -> ArchitectureRow:
    """Return the architecture that begins from a model, for the input and the task of settings.

    Raises:
        ConfigError: there is none.
    """
    own, kind = model.recipe.architecture, named_input(given)
    without = f"pretrained.folder: {name} is a {own.name} on the input {model.recipe.input}, and "
    if issubclass(kind.load(), FitsFrom):
        if kind.name in own.takes:
            return own
        fitting = find_architectures(kind.name, named_task(given).needs)
        encoder = next((row for row in fitting if row.name == own.name), None)
        if encoder is not None and isinstance(model.recipe.model, EncoderSourceConfig):
            return encoder
        if reason := getattr(model.recipe.model, "without_encoder", ""):
            raise ConfigError(
                f"{without}no encoder can begin from it: {reason}; begin from "
                f"{join_names(_encoder_sources(own), 'or')}"
            )
    raise ConfigError(f"{without}the input {kind.name} cannot begin from it")


def _encoder_sources(other: ArchitectureRow) -> list[str]:
    """Return the names of architectures that encoders begin from, on the inputs of another one."""
    return [
        row.name
        for row in ARCHITECTURES.rows
        if not set(row.takes).isdisjoint(other.takes)
        and hasattr(row.config_class(), "encoder_settings")
    ]


def determined_settings(model: Model, architecture: ArchitectureRow) -> dict[str, Any]:
    """Return the settings of an architecture that follow from a model, its name among them.

    They are its own, without those that no weight depends on, or those of the encoder of the same
    name.
    """
    config = model.recipe.model
    if architecture != model.recipe.architecture and isinstance(config, EncoderSourceConfig):
        return {"name": architecture.name, **config.encoder_settings()}
    free = _not_in_weights(config).union(*absent_parts(model).values())
    return dict(config.model_dump(mode="json", exclude=set(free)))


def _not_in_weights(config: Settings) -> frozenset[str]:
    return getattr(config, "not_in_weights", frozenset())


def pooled_parts(config: Settings) -> Mapping[str, tuple[str, ...]]:
    """Return the modules that only the pooled vector needs, each with its settings."""
    return getattr(config, "pooled_parts", {})


def absent_parts(model: Model) -> Mapping[str, tuple[str, ...]]:
    """Return the modules of the pooled vector that a model whose head reads states is without.

    Its head had no use for them. A task of pooled vectors has those of a training from scratch,
    such as a bag of n-grams.
    """
    member = find_members(model.network)[0]
    if getattr(member, "reads", "pooled") != "states":
        return {}
    parts = pooled_parts(model.recipe.model)
    return {
        name: keys for name, keys in parts.items() if getattr(member.encoder, name, None) is None
    }


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
    known = model.task
    if isinstance(known, Calibrates):  # a calibration is no part of the question
        known = known.with_calibration(None)
    return (
        model.recipe.task == task_name
        and known.labels == task.labels
        and known.state() == task.state()
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
