"""Arguments of an estimator other than `X` and `y`: settings and a random state."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from sklearn.utils import check_random_state

from munjang.config import merge, parse_overrides
from munjang.errors import ConfigError

Settings = Mapping[str, Any] | Sequence[str] | None


def read_settings(settings: Settings) -> dict[str, Any]:
    """Return settings nested as in `config.yaml`.

    Args:
        settings: nested, or with dotted names as in `{"training.epochs": 3}`, or a list of
            "key=value".

    Raises:
        ConfigError: it is none of these.
    """
    if settings is None:
        return {}
    if isinstance(settings, Mapping):
        return _nest(settings)
    if isinstance(settings, str) or not isinstance(settings, Sequence):
        raise ConfigError(
            f"settings: expected a mapping or a list of key=value, got {settings!r:.80}"
        )
    return parse_overrides(map(str, settings))


def _nest(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Turn dotted names into nested mappings."""
    nested: dict[str, Any] = {}
    for name, value in settings.items():
        inner = _nest(value) if isinstance(value, Mapping) else value
        for part in reversed(str(name).split(".")):
            inner = {part: inner}
        nested = merge(nested, inner)
    return nested


def merge_parameter(
    settings: Mapping[str, Any], key: str, value: Any, *, parameter: str
) -> dict[str, Any]:
    """Return settings with the value of a parameter that stands for one of them.

    Args:
        settings: nested.
        key: dotted name of the setting.
        value: of the parameter; None leaves the settings as they are.
        parameter: name of the parameter.

    Raises:
        ConfigError: the settings hold another value.
    """
    if value is None:
        return dict(settings)
    section: Any = settings
    for part in key.split("."):
        section = section.get(part) if isinstance(section, Mapping) else None
    if section is not None and section != value:
        raise ConfigError(
            f"settings: {key} is {section!r} and {parameter} is {value!r}: give one of the two"
        )
    for part in reversed(key.split(".")):
        value = {part: value}
    return merge(settings, value)


def to_seed(random_state: Any) -> int:
    """Return an int as it is; otherwise a seed drawn from a `RandomState`, or from NumPy's."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
