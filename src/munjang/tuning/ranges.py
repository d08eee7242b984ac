"""The person's own part of the space, from a YAML file.

model.dim: [32, 64]                                       one of these
training.learning_rate: {low: 1e-4, high: 1e-2, log: true}
model.layers: {low: 1, high: 3}                           a whole number, as the setting is one
model.dropout: 0.5                                        fixed
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import Field, model_validator

from munjang.config import Settings, merge, read_yaml
from munjang.errors import ConfigError
from munjang.models.registry import architecture
from munjang.training.settings import TrainingSettings
from munjang.tuning.space import Choice, Space, Span, refuse_shared


class Range(Settings):
    """From `low` to `high`, both included."""

    low: float = Field(description="the smallest value", allow_inf_nan=False)
    high: float = Field(description="the largest value", allow_inf_nan=False)
    log: bool = Field(False, description="each factor as likely as any other")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) should be below high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError(f"low ({self.low:g}) should be above 0 where log is true")
        return self


def read_space(
    space: str | Path | Mapping[str, Any] | None, model: str
) -> tuple[Space, dict[str, Any]]:
    """What is to be searched, by dotted keys, and what is fixed, nested as in `config.yaml`.

    Args:
        space: a YAML file or a mapping; keys may be dotted or nested.
        model: name of the architecture, whose settings these are.

    Raises:
        ConfigError: the file cannot be read, or an entry is no value, list or range.
    """
    if space is None:
        return {}, {}
    where = str(space) if isinstance(space, str | Path) else "space"
    loaded = read_yaml(space) if isinstance(space, str | Path) else dict(space)
    parts: Space = {}
    fixed: dict[str, Any] = {}
    for key, value in _entries(loaded, ""):
        if isinstance(value, Mapping):
            parts[key] = _span(key, value, model, where)
        elif isinstance(value, list | tuple) and not _is_a_list(key, model):
            parts[key] = _choice(key, value, where)
        else:
            fixed = merge(fixed, _nested(key, value))
    for key in parts:
        refuse_shared(key)
    return parts, fixed


def _entries(settings: Mapping[str, Any], before: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping) and not set(value) & set(Range.model_fields):
            found += _entries(value, f"{key}.")
        else:
            found.append((key, value))
    return found


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _span(key: str, value: Mapping[str, Any], model: str, where: str) -> Span:
    given = Range.parse(value, where=f"{where}: {key}")
    whole = int in _types(key, model) and float not in _types(key, model)
    if whole and not (given.low.is_integer() and given.high.is_integer()):
        raise ConfigError(f"{where}: {key}: expected whole numbers, got {dict(value)}")
    return Span(given.low, given.high, given.log, whole)


def _choice(key: str, values: list[Any] | tuple[Any, ...], where: str) -> Choice:
    if len(values) < 2 or not all(isinstance(one, bool | int | float | str) for one in values):
        raise ConfigError(
            f"{where}: {key}: expected two or more numbers or words to choose from, got {values}"
        )
    return Choice(tuple(dict.fromkeys(values)))


def _field(key: str, model: str) -> Any:
    section, _, name = key.partition(".")
    fields = {
        "model": architecture(model).config_class().model_fields,
        "training": TrainingSettings.model_fields,
    }.get(section, {})
    return fields[name].annotation if name in fields else None


def _types(key: str, model: str) -> tuple[Any, ...]:
    annotation = _field(key, model)
    return (annotation, *get_args(annotation))


def _is_a_list(key: str, model: str) -> bool:
    """Whether the setting itself is a list, such as the widths of `cnn`: then it is one value."""
    return getattr(_field(key, model), "__origin__", None) in (tuple, list)
