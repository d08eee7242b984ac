"""The manifest of a model folder: which files it holds, and their checksums.

It is written last. A folder without one is not finished; a file that does not match is altered.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from munjang.errors import FolderError

FILE = "manifest.json"
FORMAT = 1


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that the file is either whole or as it was before."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_manifest(folder: Path, names: Iterable[str], version: str) -> None:
    """Seal `folder`: record size and SHA-256 of every named file."""
    files = {name: _digest(folder / name) for name in names}
    manifest = {"format": FORMAT, "munjang": version, "files": files}
    write_atomically(folder / FILE, json.dumps(manifest, indent=2) + "\n")


def check_manifest(folder: Path, needed: Iterable[str]) -> None:
    """Refuse a folder that is missing, unfinished, altered, or of a newer format.

    Args:
        folder: the model folder.
        needed: files that the manifest has to know.

    Raises:
        FolderError: naming the file that is wrong.
    """
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
        raise FolderError(
            f"{path}: the folder has format {version}, this version of munjang reads "
            f"{FORMAT}; upgrade munjang"
        )
    if not isinstance(files, dict) or any(Path(name).name != name for name in files):
        raise FolderError(f"{path}: this file is damaged; copy the folder again")
    return files


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
