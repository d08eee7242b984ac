"""Data that the processes of trials read themselves: files, as plain JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from munjang.config import shown
from munjang.data.pairs.aligned import AlignedFiles
from munjang.errors import ConfigError
from munjang.names import find_existing_path
from munjang.recipe import IN_MEMORY, section_of


def to_plain(data: Any) -> Any:
    """Return files, a folder or aligned files by absolute paths, as plain JSON; None stays.

    Raises:
        ConfigError: The data is in memory or on standard input, where no other process reads it.
    """
    if data is None:
        return None
    if isinstance(data, AlignedFiles):
        return {"source": _paths(data.source), "target": _paths(data.target)}
    return _paths(data)


def from_plain(value: Any) -> Any:
    """Return the data of what `to_plain` gave, as `munjang.train` takes it."""
    return AlignedFiles(value["source"], value["target"]) if isinstance(value, dict) else value


def _paths(data: Any) -> list[str]:
    paths = [data] if isinstance(data, str | Path) else data
    if not isinstance(paths, list | tuple) or not all(isinstance(p, str | Path) for p in paths):
        raise _in_memory(f"a {type(data).__name__}")
    found = [find_existing_path(path) for path in paths]
    for path in found:
        if not path.exists():
            raise _in_memory(shown(str(path)))
    return [str(path.absolute()) for path in found]


def _in_memory(what: str) -> ConfigError:
    return ConfigError(
        "parallel: every trial is a process of its own, which reads the data from files; got "
        f"{what}; write the rows to a file, or leave out parallel and cluster"
    )


def plain_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as JSON reads them back.

    Raises:
        ConfigError: They hold what is no plain value, or weights that are in memory.
    """
    if IN_MEMORY in section_of(given, "pretrained").values():
        raise _in_memory("pretrained weights in memory")
    try:
        settings: dict[str, Any] = json.loads(json.dumps(given, default=str))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"settings: expected plain values ({error})") from None
    return settings
