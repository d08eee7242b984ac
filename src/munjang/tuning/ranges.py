"""A person's own part of the search space, from a YAML file.

model.dim: [32, 64]                                       one of these values
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
from munjang.registry import ArchitectureRow
from munjang.training.settings import TrainingSettings
from munjang.tuning.parameters import Choice, Space, Span
from munjang.tuning.space import nested, refuse_shared


class Range(Settings):
    """A range of numbers from `low` to `high`, both included."""

    low: float = Field(description="the smallest value", allow_inf_nan=False)
    high: float = Field(description="the largest value", allow_inf_nan=False)
    log: bool = Field(False, description="sample on a logarithmic scale")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) should be below high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError(f"low ({self.low:g}) should be above 0 where log is true")
        return self


def read_space(
    space: str | Path | Mapping[str, Any] | None, model: ArchitectureRow
) -> tuple[Space, dict[str, Any]]:
    """Return what is searched, by dotted keys, and what is fixed, nested as in `config.yaml`.

    Args:
        space: A YAML file or a mapping; keys may be dotted or nested.
        model: The architecture whose settings these are.

    Raises:
        ConfigError: The file cannot be read, or an entry is not a value, list or range.
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
            fixed = merge(fixed, nested(key, value))
    for key in parts:
        refuse_shared(key)
    return parts, fixed


def _entries(settings: Mapping[str, Any], before: str) -> list[tuple[str, Any]]:
    entries: list[tuple[str, Any]] = []
    for name, value in settings.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping) and not set(value) & set(Range.model_fields):
            entries += _entries(value, f"{key}.")
        else:
            entries.append((key, value))
    return entries


def _span(key: str, value: Mapping[str, Any], model: ArchitectureRow, where: str) -> Span:
    given = Range.parse(value, where=f"{where}: {key}")
    whole = int in _types(key, model) and float not in _types(key, model)
    if whole and not (given.low.is_integer() and given.high.is_integer()):
        raise ConfigError(f"{where}: {key}: expected whole numbers, got {dict(value)}")
    return Span(given.low, given.high, given.log, whole)


def _choice(key: str, values: list[Any] | tuple[Any, ...], where: str) -> Choice:
    if len(values) < 2 or not all(isinstance(v, bool | int | float | str) for v in values):
        raise ConfigError(
            f"{where}: {key}: expected two or more numbers or words to choose from, got {values}"
        )
    return Choice(tuple(dict.fromkeys(values)))


def _field(key: str, model: ArchitectureRow) -> Any:
    section, _, name = key.partition(".")
    fields = {
        "model": model.config_class().model_fields,
        "training": TrainingSettings.model_fields,
    }.get(section, {})
    return fields[name].annotation if name in fields else None


def _types(key: str, model: ArchitectureRow) -> tuple[Any, ...]:
    annotation = _field(key, model)
    return (annotation, *get_args(annotation))


def _is_a_list(key: str, model: ArchitectureRow) -> bool:
    """Return whether the setting itself is a list, such as the widths of `cnn`: one value."""
    return getattr(_field(key, model), "__origin__", None) in (tuple, list)
