"""Folders of downloaded data, and atomic writing of its files."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from munjang.errors import DataError
from munjang.folder.manifest import name_in_errors


def cache_folder() -> Path:
    """Return the folder of downloads: MUNJANG_CACHE, else `munjang` in the user's cache folder."""
    chosen = os.environ.get("MUNJANG_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "munjang"


def data_folder() -> Path | None:
    """Return the folder of the user's corpora: MUNJANG_DATA, if it is set."""
    chosen = os.environ.get("MUNJANG_DATA")
    return Path(chosen) if chosen else None


@contextmanager
def open_atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file next to `path` that replaces it on success and is deleted on error.

    Raises:
        DataError: the folder cannot be written.
        OSError: the disk is full; names `path`.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = temporary.open("xb")
    except OSError as error:
        raise DataError(
            f"cannot write there ({error.strerror}); choose another folder with MUNJANG_CACHE",
            file=str(path),
        ) from error
    try:
        with file:
            yield file
            with name_in_errors(path):
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
