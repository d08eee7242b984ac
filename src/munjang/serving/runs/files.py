"""Files of a folder that others may have written: none outside it, bounded, of a known shape."""

import os
from pathlib import Path
from typing import Any

import msgspec

from munjang.errors import FolderError
from munjang.folder.checked_file import open_regular
from munjang.parsing import UnreadableError, parse_json

_MOST_BYTES = 32_000_000
_LONGEST = 500


def is_inside(path: Path, root: Path) -> bool:
    """Return whether a path, links followed, is in a folder whose own path has no links."""
    return Path(os.path.realpath(path)).is_relative_to(root)


def read_inside(path: Path, root: Path) -> bytes:
    """Return the bytes of a file in a folder.

    Args:
        path: the file.
        root: the folder, its links followed.

    Raises:
        FolderError: the file is missing, outside, too large, or cannot be read.
    """
    name = path.name
    if not is_inside(path, root):
        raise FolderError(f"{name}: a link that leads out of the folder is not followed")
    try:
        with open_regular(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise FolderError(f"{name}: cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise FolderError(f"{name}: expected at most {_MOST_BYTES:,} bytes")
    return data


class JsonFile:
    """A JSON file of a known shape, read again only if it has changed.

    Args:
        path: the file.
        root: the folder that it must be in, its links followed.
        shape: type of the values; fields that it lacks are ignored.
    """

    def __init__(self, path: Path, root: Path, shape: Any) -> None:
        self._path = path
        self._root = root
        self._shape = shape
        self._stamp: object = None
        self._values: Any = None

    def read(self) -> Any:
        """Return the values.

        Raises:
            FolderError: the file is missing, outside, too large, or damaged.
        """
        stamp = stamp_of(self._path)
        if stamp is None or stamp != self._stamp:
            self._stamp = None
            data = read_inside(self._path, self._root)
            try:
                values = parse_json(data, nan_is_null=True)
                self._values = msgspec.convert(values, self._shape)
            except (UnreadableError, msgspec.ValidationError, OverflowError) as error:
                raise FolderError(f"{self._path.name} is damaged: {plain_text(error)}") from None
            self._stamp = stamp
        return self._values


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Return numbers that change with the content of a file; None if there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def modified_at(path: Path) -> float:
    """Return when a file was changed, in seconds since 1970; 0 if there is none."""
    try:
        return path.stat().st_mtime
    except (OSError, ValueError):
        return 0.0


def plain_text(value: object, most: int = _LONGEST) -> str:
    """Return a value as a text of bounded length that every encoding of Unicode can hold."""
    text = str(value)
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return text.encode("utf-8", "replace").decode("utf-8")
