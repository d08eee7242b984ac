"""Folders that are complete or not there."""

import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from munjang.errors import FolderError


def refuse_occupied(folder: Path, ours: Collection[str], *, overwrite: bool) -> None:
    """Refuse a folder that holds other files, or, without `overwrite`, an earlier export.

    Raises:
        FolderError: naming what is there.
    """
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder}: expected a folder to write to, this is a file")
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    others = sorted(names - set(ours))
    if others:
        raise FolderError(
            f"{folder}: this folder holds other files ({others[0]}); choose an empty one"
        )
    if names and not overwrite:
        raise FolderError(
            f"{folder}: this folder holds an earlier export; choose an empty one, or --overwrite"
        )


def write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a folder as a whole: on failure nothing of it stays, and an earlier one is unchanged.

    Args:
        folder: the folder; its parents are made.
        write: writes all files into the path that it gets.

    Raises:
        OSError: a file cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    new, old = place / "new", place / "old"
    try:
        new.mkdir()
        write(new)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
