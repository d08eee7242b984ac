"""Folders that are complete or not there."""

import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from munjang.errors import FolderError

# Python writes it beside a module that it imports: beside that of an export too.
_BYTECODE = "__pycache__"


def refuse_occupied(folder: Path, ours: Collection[str], mark: str, *, overwrite: bool) -> None:
    """Refuse a folder that holds other files, or, without `overwrite`, an earlier export.

    Args:
        folder: the folder to write.
        ours: names of the files of an export.
        mark: the file without which a folder holds no export, but a README.md of somebody.
        overwrite: whether an earlier export may be replaced.

    Raises:
        FolderError: naming what is there.
    """
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder}: expected a folder to write to, this is a file")
    names = {path.name for path in folder.iterdir()} - {_BYTECODE} if folder.exists() else set()
    others = sorted(names - set(ours) if mark in names else names)
    if others:
        raise FolderError(
            f"{folder}: this folder holds other files ({others[0]}); choose an empty one"
        )
    if names and not overwrite:
        raise FolderError(
            f"{folder}: this folder holds an earlier export; choose an empty one, or --overwrite"
        )


@contextmanager
def make_scratch(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, which is deleted at the end of the block.

    Raises:
        OSError: it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def install(new: Path, folder: Path, scratch: Path) -> None:
    """Put a finished folder in the place of `folder`, which is as it was if that fails.

    Args:
        new: in `scratch`.
        folder: the place; what is there is deleted with `scratch`.
        scratch: of `make_scratch`.
    """
    shutil.rmtree(new / _BYTECODE, ignore_errors=True)
    old = scratch / "old"
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
