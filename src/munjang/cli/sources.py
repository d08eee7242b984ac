"""The data that a command reads: files, folders, or two aligned files of sources and targets."""

from collections.abc import Sequence
from typing import Any

from munjang.errors import ConfigError


def choose_data(
    data: Sequence[str] | None, source: Sequence[str] | None, target: Sequence[str] | None
) -> Any:
    """Return DATA, or the aligned files of --source and --target.

    Raises:
        ConfigError: both are given, neither, or only one of the two options.
    """
    aligned = _align(source, target, "--source", "--target")
    if data and aligned is not None:
        raise ConfigError("give DATA, or --source and --target, not both")
    if not data and aligned is None:
        raise ConfigError(
            "give DATA: a file to read; or --source and --target with --task translate"
        )
    return aligned if aligned is not None else list(data or ())


def choose_held_out(option: str, data: str | None, source: str | None, target: str | None) -> Any:
    """Return the value of `option`, such as --valid, or the files of --valid-source and -target.

    Raises:
        ConfigError: both are given, or only one of the two files.
    """
    sources, targets = ([] if name is None else [name] for name in (source, target))
    aligned = _align(sources, targets, f"{option}-source", f"{option}-target")
    if data is not None and aligned is not None:
        raise ConfigError(f"give {option}, or {option}-source and {option}-target, not both")
    return aligned if aligned is not None else data


def _align(source: Sequence[str] | None, target: Sequence[str] | None, *options: str) -> Any:
    if not source and not target:
        return None
    if not source or not target:
        raise ConfigError(
            f"{options[0]} and {options[1]} go together: line n of both files is one pair"
        )
    from munjang.data.pairs.aligned import AlignedFiles

    return AlignedFiles(list(source), list(target))
