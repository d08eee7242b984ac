"""A new model in the place of an old one, so that at every moment one of the two is whole.

The new one is written into a folder of its own inside of the old one's. From the moment its
manifest stands there it is the model, for whoever reads (`resolve_model_folder`). Then its files are put in the
place of the old ones, the manifest last, and the inner folder goes. Whatever is killed in between
is done by the next one who writes.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from munjang.errors import FolderError
from munjang.folder.lock import FILE as LOCK
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.manifest import PARTIAL, write_whole

FOLDER = "replacement"
# By it a training is known that was stopped and can be gone on with.
CHECKPOINT = "checkpoint.safetensors"

_BEGUN = re.compile(r"\.tmp\w{6}")


def resolve_model_folder(folder: str | Path) -> Path:
    """Return the folder of the model's files: `folder`, or the replacement in it if complete."""
    folder = Path(folder)
    new = folder / FOLDER
    return new if (new / MANIFEST).is_file() else folder


def is_finished(folder: Path) -> bool:
    """Return whether `folder` holds a complete model."""
    return (resolve_model_folder(folder) / MANIFEST).is_file()


@contextmanager
def replace_model(folder: Path) -> Iterator[Path]:
    """Give a folder to write a model to, manifest last, that then is the one in `folder`.

    Where no model stands that is `folder` itself. It exists, and who writes there holds its lock.

    Raises:
        FolderError: a training that was stopped, and is to replace the model, stands there.
    """
    install_replacement(folder)
    new = folder / FOLDER
    if not (folder / MANIFEST).exists():
        yield folder
        return
    if (new / CHECKPOINT).exists():
        raise FolderError(
            f"{folder}: an unfinished training that is to replace this model stands here; go on "
            "with it (--resume), or choose another folder"
        )
    drop(folder)
    new.mkdir()
    try:
        yield new
    except BaseException:
        drop(folder)
        raise
    install_replacement(folder)


def is_half(name: str) -> bool:
    """Return whether an interrupted write of this program or safetensors left the file."""
    return name.endswith(PARTIAL) or _BEGUN.fullmatch(name) is not None


def install_replacement(folder: Path) -> None:
    """Put a new model that is whole in the place of the old one; else nothing is done."""
    new = folder / FOLDER
    if not (new / MANIFEST).is_file():
        return
    sealed, before = _sealed(new), _sealed(folder)
    for name in sealed:
        _put(new / name, folder / name)
    for name in before:
        if name not in sealed:  # of a model of another kind
            (folder / name).unlink(missing_ok=True)
    for path in new.iterdir():
        if path.name not in {*sealed, MANIFEST, CHECKPOINT, LOCK} and not is_half(path.name):
            _move(path, folder / path.name)
    _put(new / MANIFEST, folder / MANIFEST)
    drop(folder)


def drop(folder: Path) -> None:
    """Remove the inner folder, its manifest first: half of it is never taken for a model."""
    new = folder / FOLDER
    (new / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(new, ignore_errors=True)


def _sealed(folder: Path) -> list[str]:
    """Return the names of a model's files; empty if no manifest can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return [name for name in files if Path(name).name == name]
    return []


def _put(source: Path, target: Path) -> None:
    """Let `target` be `source`, which stays; a link where the file system has such."""
    if target.exists() and target.samefile(source):
        return
    with write_whole(target) as partial:
        partial.unlink()
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)


def _move(source: Path, target: Path) -> None:
    """Move logs and curves, which belong to no model."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target, ignore_errors=True)
    source.replace(target)
