"""The manifest of a model folder: which files it holds, and their checksums.

It is written last. A folder without one is not finished; a file that does not match is altered.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

FILE = "manifest.json"
FORMAT = 3

PARTIAL = ".partial"
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; at the end that file takes the place of `path`.

    When the writing fails or is broken off, `path` is as it was before, and the half is removed:
    on a full disk it would take the room that something smaller needs.

    Raises:
        OSError: the file cannot be written; it names `path`.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        with name_in_errors(path):
            # safetensors moves a file of its own here, which nobody else may read
            partial.touch()
            mode = partial.stat().st_mode
            yield partial
            partial.chmod(mode)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def name_in_errors(path: Path) -> Iterator[None]:
    """Let an `OSError` name `path`: that of a failed write names no file of itself.

    safetensors tells of a full disk with an error of its own; it becomes an `OSError` too.
    """
    try:
        yield
    except SafetensorError as error:
        told = _OS_ERROR.search(str(error))
        if told is None:
            raise
        number = int(told[1])
        raise OSError(number, os.strerror(number), str(path)) from None
    except OSError as error:
        error.filename = str(path)
        raise


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that the file is either whole or as it was before.

    Raises:
        OSError: as `write_whole`.
    """
    with write_whole(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def list_manifest_files(folder: Path) -> tuple[str, ...]:
    """Return the names that the manifest of a folder lists; none where there is no manifest."""
    try:
        files = json.loads((folder / FILE).read_text(encoding="utf-8"))["files"]
        return tuple(name for name in files if Path(name).name == name)
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def write_manifest(folder: Path, names: Iterable[str], version: str) -> None:
    """Seal `folder`: record size and SHA-256 of every named file."""
    files = {name: _digest(folder / name) for name in names}
    manifest = {"format": FORMAT, "munjang": version, "files": files}
    write_atomically(folder / FILE, json.dumps(manifest, indent=2) + "\n")


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
