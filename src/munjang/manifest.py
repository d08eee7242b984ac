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

from munjang.errors import FolderError

FILE = "manifest.json"
FORMAT = 2

PARTIAL = ".partial"
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; at the end that file takes the place of `path`.

    When the writing fails or is broken off, `path` is as it was before, and the half is removed:
    on a full disk it would take the room that something smaller needs.

    Raises:
        OSError: the file cannot be written; it names `path`.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        with naming(path):
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
def naming(path: Path) -> Iterator[None]:
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
        OSError: as `written_whole`.
    """
    with written_whole(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def write_manifest(folder: Path, names: Iterable[str], version: str) -> None:
    """Seal `folder`: record size and SHA-256 of every named file."""
    files = {name: _digest(folder / name) for name in names}
    manifest = {"format": FORMAT, "munjang": version, "files": files}
    write_atomically(folder / FILE, json.dumps(manifest, indent=2) + "\n")


def check_manifest(folder: Path, needed: Iterable[str]) -> None:
    """Refuse a folder that is missing, unfinished, altered, or of another format.

    Args:
        folder: the model folder.
        needed: files that the manifest has to know.

    Raises:
        FolderError: naming the file that is wrong.
    """
    if folder.is_file():
        raise FolderError(
            f"{folder}: expected a model folder, but this is a file; the folder comes first, then "
            "texts or data"
        )
    if not folder.is_dir():
        raise FolderError(f"{folder}: there is no such model folder; train one with munjang train")
    sealed = _read(folder)
    for name in needed:
        if name not in sealed:
            raise FolderError(f"{folder / FILE}: {name} is not listed; copy the folder again")
    for name, expected in sealed.items():
        path = folder / name
        if not path.is_file():
            raise FolderError(f"{path}: this file of the model is missing; copy the whole folder")
        if _digest(path) != expected:
            raise FolderError(
                f"{path}: this file is not the one that was saved (its checksum differs); "
                "copy the folder again or train anew"
            )


def _read(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version, files = manifest["format"], manifest["files"]
    except FileNotFoundError:
        raise FolderError(
            f"{folder}: not a finished model folder ({FILE} is missing); if a training was "
            "stopped here, go on with the same command and --resume"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise FolderError(f"{path}: this file is damaged; copy the folder again") from None
    if version != FORMAT:
        older = isinstance(version, int) and version < FORMAT
        what_to_do = "train it again" if older else "upgrade munjang"
        raise FolderError(
            f"{path}: the folder has format {version}, this version of munjang reads "
            f"{FORMAT}; {what_to_do}"
        )
    if not isinstance(files, dict) or any(Path(name).name != name for name in files):
        raise FolderError(f"{path}: this file is damaged; copy the folder again")
    return files


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
