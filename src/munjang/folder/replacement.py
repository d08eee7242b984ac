"""Replacement of a finished model, so that one of the two is complete at any time.

The new model is written into a subfolder. Once its manifest is there, readers take it as the model
(`resolve_model_folder`). Then its files replace the old ones, the manifest last, and the subfolder
is deleted. The next writer completes what was interrupted.
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
from munjang.folder.manifest import PARTIAL, write_whole
from munjang.folder.seal import MANIFEST, REPLACEMENT, resolve_model_folder

FOLDER = REPLACEMENT
# Its presence marks an unfinished training that can be resumed.
CHECKPOINT = "checkpoint.safetensors"
# The answers of the teachers of a student, while it is trained.
SOFT_TARGETS = "soft_targets.safetensors"

_SAFETENSORS_TEMPORARY = re.compile(r"\.tmp\w{6}")


def is_finished(folder: Path) -> bool:
    """Return whether `folder` holds a complete model."""
    return (resolve_model_folder(folder) / MANIFEST).is_file()


@contextmanager
def replace_model(folder: Path) -> Iterator[Path]:
    """Yield a folder to write a model to, manifest last, which then replaces that in `folder`.

    It is `folder` itself if that holds no model. The caller holds the lock of `folder`.

    Raises:
        FolderError: an unfinished training in `folder` is to replace the model.
    """
    install_replacement(folder)
    new = folder / FOLDER
    if not (folder / MANIFEST).exists():
        yield folder
        return
    if (new / CHECKPOINT).exists():
        raise FolderError(
            f"{folder}: an unfinished training that is to replace this model is here; continue "
            "it with --resume, or choose another folder"
        )
    delete_replacement(folder)
    new.mkdir()
    try:
        yield new
    except BaseException:
        delete_replacement(folder)
        raise
    install_replacement(folder)


def is_partial(name: str) -> bool:
    """Return whether an interrupted write of this program or safetensors left the file."""
    return name.endswith(PARTIAL) or _SAFETENSORS_TEMPORARY.fullmatch(name) is not None


def install_replacement(folder: Path) -> None:
    """Replace the old model by a complete new one, if there is any."""
    new = folder / FOLDER
    if not (new / MANIFEST).is_file():
        return
    new_files, old_files = _model_files(new), _model_files(folder)
    for name in new_files:
        _link(new / name, folder / name)
    for name in old_files:
        if name not in new_files:  # of a model of another kind
            (folder / name).unlink(missing_ok=True)
    for path in new.iterdir():
        if path.name not in {*new_files, MANIFEST, CHECKPOINT, LOCK} and not is_partial(path.name):
            _move(path, folder / path.name)
    _link(new / MANIFEST, folder / MANIFEST)
    delete_replacement(folder)


def delete_replacement(folder: Path) -> None:
    """Delete the replacement, its manifest first, so that no part of it counts as a model."""
    new = folder / FOLDER
    (new / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(new, ignore_errors=True)


def _model_files(folder: Path) -> list[str]:
    """Return the names of a model's files; empty if no manifest can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return [name for name in files if Path(name).name == name]
    return []


def _link(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy if links are not supported."""
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
