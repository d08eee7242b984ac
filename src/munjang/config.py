"""Base of settings: validated and frozen, from and to YAML; errors suggest the nearest key.

Every configurable part has a subclass of `Settings`. Layers take plain arguments instead.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from munjang.errors import ConfigError, MunjangError
from munjang.names import nearest_name
from munjang.parsing import YAML_CHARACTERS, UnreadableError, parse_yaml
from munjang.renamed_settings import find_renamed

# Bounds far above any sensible setting, so that a typing error is reported in one line. The width
# of networks is limited by memory: `munjang.training.memory`.
WIDEST, DEEPEST, LONGEST, MOST_IDS = 10**13, 64, 2**20, 2**24
# Most characters of a wrong value in a message.
_SHOWN = 80
# Most characters of a string, such as a path; of a label; and of a message about a setting.
_LONGEST_TEXT, LONGEST_LABEL, _LONGEST_MESSAGE = 4096, 2**20, 800


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, instances are frozen, numbers are finite.

    Numbers are converted where strings are expected, as YAML reads a label `1` as a number.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        str_max_length=_LONGEST_TEXT,
    )

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str = "config") -> Self:
        """Validate `values`.

        Raises:
            ConfigError: an unknown key (the nearest one is suggested) or an invalid value.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            message = " ".join(_explain(cls, error, where).split())
        except (ValueError, RecursionError):  # pydantic does not catch these
            message = "a number of thousands of digits, or an endlessly nested list"
        raise ConfigError(f"{where}: {_shorten(message, _LONGEST_MESSAGE)}")


def _explain(settings: type[BaseModel], error: ValidationError, where: str) -> str:
    errors = error.errors(include_url=False)
    path = _field_path(settings, errors[0]["loc"])
    key = ".".join(path) or "settings"
    if errors[0]["type"] == "extra_forbidden":
        renamed = _renamed(settings, where, key, errors[0]["input"])
        if renamed is not None:
            return renamed
        known = _keys_at(settings, path[:-1])
        hint = suggest_nearest(path[-1][:_SHOWN], known)
        return f"unknown setting '{_shorten(key)}'{hint}; known: {', '.join(known)}"
    cause = errors[0].get("ctx", {}).get("error")
    if isinstance(cause, MunjangError):
        names_key = not path or str(cause).startswith(f"{key}: ")
        return str(cause) if names_key else f"{key}: {cause}"
    # each branch of a union has an error of its own
    reasons = [_reason(item) for item in errors if _field_path(settings, item["loc"]) == path]
    message = " or ".join(dict.fromkeys(reasons)).replace(" or input should be ", " or ")
    if not path and cause is not None:
        return message  # about several settings, which it names
    given = errors[0]["input"]
    return f"{key}: {message}" + ("" if isinstance(given, Mapping) else f", got {shown(given)}")


def _renamed(settings: type[BaseModel], where: str, key: str, value: object) -> str | None:
    """Return the message for a setting that has another name now; None if it is no such setting.

    Args:
        settings: class of the settings, a section or all of them.
        where: name of the section, if they are one.
        key: the unknown key, dotted.
        value: its value.
    """
    for prefix in ("", f"{where}."):
        found = find_renamed(prefix + key, value)
        if found is None or not found[1].startswith(prefix):
            continue
        old, new = found
        *section, name = new.removeprefix(prefix).split(".")
        if name in _keys_at(settings, section):
            return f"unknown setting '{old}': it is named '{new}' now"
    return None


def shown(value: object) -> str:
    """Return a wrong value as a message quotes it, shortened."""
    try:
        return _shorten(repr(value))
    except (ValueError, RecursionError):  # a number of 5,000 digits, a list in a list in a list
        return f"a very large {type(value).__name__}"


def _shorten(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _reason(error: Any) -> str:
    cause = error.get("ctx", {}).get("error")
    message = str(error["msg"] if cause is None else cause).split(" or instance of ")[0]
    return message[0].lower() + message[1:]


def _field_path(settings: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """Return the names of settings on the way to `place`, without pydantic's own marks."""
    path: list[str] = []
    for part in place:
        path.append(str(part))
        field = settings.model_fields.get(str(part))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return path
        settings = inner
    return path


def _keys_at(settings: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        field = settings.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        settings = inner
    return sorted(settings.model_fields)


def suggest_nearest(name: str, known: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` for the known name nearest to a wrong one, or ""."""
    nearest = nearest_name(name, known, cutoff=0.5)
    return f"; did you mean '{nearest}'?" if nearest else ""


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Read one YAML mapping, see `munjang.parsing.parse_yaml`."""
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(YAML_CHARACTERS + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot read this config file: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: this is not valid YAML: {error}") from None
    return parse_mapping(text, path)


def parse_mapping(text: str, path: Path) -> dict[str, Any]:
    """Parse text that was read from `path` as one YAML mapping."""
    try:
        loaded = parse_yaml(text)
    except UnreadableError as error:
        raise ConfigError(f"{path}: {error}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigError(
            f"{path}: expected settings as 'key: value' lines, got {type(loaded).__name__}"
        )
    return loaded


class _Dumper(yaml.SafeDumper):
    """Safe dumper of PyYAML that also keeps U+0085."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write repeated values out, as aliases are not read."""
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        # YAML reads U+0085 outside double quotes as a line break, that is, as a space
        style = '"' if "\x85" in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def to_yaml(values: Mapping[str, Any]) -> str:
    """Return plain YAML in the order of `values`, with readable Hangul."""
    return yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` updated with `over`; mappings are merged recursively."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def collect_settings(
    config: Path | str | Mapping[str, Any] | None,
    named: Mapping[str, Any],
    overrides: Mapping[str, Any] | Iterable[str] = (),
) -> dict[str, Any]:
    """Return all settings of the user, nested as in `config.yaml`; later arguments win.

    Args:
        config: a YAML file, or its mapping.
        named: settings with arguments of their own; None at any depth counts as omitted.
        overrides: as `parse_overrides` takes them.

    Raises:
        ConfigError: the file cannot be read, or an override is invalid.
    """
    base = read_yaml(config) if isinstance(config, str | Path) else dict(config or {})
    return merge(merge(base, _without_none(named)), parse_overrides(overrides))


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }
    return {key: value for key, value in kept.items() if value != {}}


def parse_overrides(assignments: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    """Parse `["model.dim=64", "training.epochs=3"]` as nested settings; values are YAML.

    Settings that are nested already are returned as they are.
    """
    if isinstance(assignments, Mapping):
        return dict(assignments)
    settings: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"--set: expected key=value, such as --set model.dim=64, got '{assignment}'"
            )
        try:
            value = parse_yaml(text)
        except UnreadableError:
            raise ConfigError(
                f"--set {_shorten(key)}: '{_shorten(text)}' is not a YAML value"
            ) from None
        for part in reversed(key.strip().split(".")):
            value = {part: value}
        settings = merge(settings, value)
    return settings
