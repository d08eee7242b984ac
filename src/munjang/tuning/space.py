"""The search space of one search: the row of its architecture, and what a person changes in it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from munjang.config import merge
from munjang.errors import ConfigError
from munjang.tuning.parameters import Choice, Part, Space, Span, Value
from munjang.tuning.spaces import space_of

# Shared by all trials: the data, the metric, and how a run is executed.
_SHARED = {
    "model.name",
    "training.metric",
    "training.length_buckets",
    "training.device",
    "training.threads",
    "training.checkpoint_seconds",
    "training.checkpoint_steps",
    "training.max_seconds",
}


def searched(recipe: Any, fixed: Collection[str], own: Mapping[str, Part]) -> Space:
    """Return the search space.

    It is the row of the architecture without what a person fixed, and with the person's own part.
    The recipe's own values are always included; values that the fixed settings do not allow are
    not, nor is a setting whose own value is a list or null.

    Args:
        recipe: The recipe of a training without a search.
        fixed: Dotted keys of the settings that the person fixed.
        own: The person's part of the space, by dotted keys (`munjang.tuning.ranges.read_space`).

    Raises:
        ConfigError: A setting does not exist, does not take a value, or is one that all trials
            share.
    """
    space: Space = {}
    for key, part in space_of(recipe).items():
        value = value_of(recipe, key)
        if key in fixed or key in own or not isinstance(value, bool | int | float | str):
            continue
        usable = _usable(part.with_value(value), key, recipe)
        if usable is not None:
            space[key] = usable
    for key in own:
        if key in fixed:
            raise ConfigError(f"{key}: --set fixes it, and the space searches it; choose one")
    for end in (0, 1):  # together: one may depend on another, such as heads on dim
        with_values(recipe, {key: part.ends()[end] for key, part in own.items()})
    space.update(own)
    if not space:
        raise ConfigError("every setting is fixed, so there is nothing to search")
    return space


def refuse_shared(key: str) -> None:
    """Raise `ConfigError` about a setting that all trials share."""
    section = key.partition(".")[0]
    if section not in ("model", "training") or key in _SHARED:
        raise ConfigError(
            f"{key}: all trials share this setting; fix it with --set, and search settings of "
            "model and training"
        )


def with_values(recipe: Any, values: Mapping[str, Any]) -> Any:
    """Return the recipe with other values, by dotted keys.

    Raises:
        ConfigError: A setting does not exist or does not take its value.
    """
    settings: dict[str, Any] = recipe.to_dict()
    for key, value in values.items():
        settings = merge(settings, nested(key, value))
    return type(recipe).parse(settings)


def nested(key: str, value: Any) -> dict[str, Any]:
    """Return the value of a dotted key, nested as in `config.yaml`."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def value_of(recipe: Any, key: str) -> Value:
    """Return the value of a dotted key; an embedding learning rate left out is the general one."""
    section, name = key.split(".")
    value = getattr(getattr(recipe, section), name)
    if value is None and name == "embedding_learning_rate":
        value = recipe.training.learning_rate
    return cast(Value, value)


def flat(settings: Mapping[str, Any], *, before: str = "") -> dict[str, Any]:
    """Return nested settings by dotted keys."""
    values: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            values |= flat(value, before=f"{name}.")
        else:
            values[name] = value
    return values


def _usable(part: Part, key: str, recipe: Any) -> Part | None:
    """Return the part without values that the recipe refuses; None if no choice is left."""
    if isinstance(part, Span):
        return part
    allowed = tuple(_allowed(part.values, key, recipe))
    return Choice(allowed) if len(allowed) > 1 else None


def _allowed(values: Iterable[Value], key: str, recipe: Any) -> Iterable[Value]:
    for value in values:
        try:
            with_values(recipe, {key: value})
        except ConfigError:
            continue
        yield value
