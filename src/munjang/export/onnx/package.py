"""The packages of the extra `export`."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from munjang.errors import ConfigError


def need_export(*names: str) -> tuple[Any, ...]:
    """Return the packages `names`, all of the extra `export`.

    Raises:
        ConfigError: one is not installed.
    """
    for name in names:
        if find_spec(name) is None:
            raise ConfigError(
                f"export onnx needs the package {name}; install it with: "
                'pip install "munjang[export]"'
            )
    return tuple(import_module(name) for name in names)
