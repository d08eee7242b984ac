"""Packages that only some exports need."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from munjang.errors import ConfigError


def need_packages(command: str, extra: str, *names: str) -> tuple[Any, ...]:
    """Return the packages `names`.

    Args:
        command: what needs them, for the error.
        extra: the extra of munjang that installs them.
        names: of the packages.

    Raises:
        ConfigError: one is not installed.
    """
    for name in names:
        if find_spec(name) is None:
            raise ConfigError(
                f"{command} needs the package {name}; install it with: "
                f'pip install "munjang[{extra}]"'
            )
    return tuple(import_module(name) for name in names)
