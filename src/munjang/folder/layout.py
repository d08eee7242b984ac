"""Names of files in a model folder, and checks before a training writes into one.

config.yaml         the recipe, labels included
tokenizer.json      settings and state of the tokenizer
vocabulary.json     tokens and counts; image models have neither file
target_*.json       the same files for targets with a vocabulary of their own
model.safetensors   weights
metrics.json        scores on the validation part, history, and how it was trained
README.md           a model card
manifest.json       checksums of all of these; written last

During training the folder holds config.yaml, metrics.jsonl, tensorboard/, checkpoint.safetensors,
munjang.lock, which keeps other processes out, encoded/, the text of the input lines, and of a
student soft_targets.safetensors. A training that replaces a finished model has all but the lock and
encoded/ in replacement/ until its own model is complete; see `munjang.folder.replacement`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from munjang.errors import ConfigError, FolderError
from munjang.folder.lock import FILE as LOCK
from munjang.folder.lock import hold_lock, refuse_locked
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.manifest import PARTIAL, list_manifest_files
from munjang.folder.replacement import (
    CHECKPOINT,
    SOFT_TARGETS,
    delete_replacement,
    install_replacement,
    is_finished,
    is_partial,
)
from munjang.folder.replacement import FOLDER as REPLACEMENT
from munjang.folder.workspace import ENCODED
from munjang.reporting import Report, discard
from munjang.training.logs import BOARD
from munjang.training.logs import FILE as LOG

CONFIG, TOKENIZER, VOCABULARY = "config.yaml", "tokenizer.json", "vocabulary.json"
WEIGHTS, METRICS_FILE, CARD = "model.safetensors", "metrics.json", "README.md"
TARGET_TOKENIZER, TARGET_VOCABULARY = "target_tokenizer.json", "target_vocabulary.json"
_TOKENIZERS = (TOKENIZER, VOCABULARY, TARGET_TOKENIZER, TARGET_VOCABULARY)
# A folder with one of these was written by munjang; README.md or config.yaml may be another's.
_MARKS = {MANIFEST, CHECKPOINT, SOFT_TARGETS, LOG}
_OURS = {CONFIG, WEIGHTS, METRICS_FILE, CARD, *_TOKENIZERS, *_MARKS, BOARD, REPLACEMENT}


def refuse_occupied(
    out: str | Path | None, *, resume: bool = False, overwrite: bool = False
) -> None:
    """Refuse an output folder in which a training would destroy something; change nothing.

    With both `resume` and `overwrite`, an unfinished training is resumed, and without one a new
    training begins.

    Raises:
        FolderError: the path is a file, or the folder holds a finished model, an unfinished
            training or other files, or another process writes to it.
        ConfigError: `resume` without a folder.
    """
    if out is None:
        if resume:
            raise ConfigError("resume: expected the folder of the training to resume")
        return
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder}: expected a folder to write the model to, this is a file")
    refuse_locked(folder)
    names = _names_in(folder)
    if not overwrite:
        _refuse_runs(folder, resume=resume)
    foreign = sorted(names - _OURS - set(list_manifest_files(folder)))
    if not names & _MARKS and (foreign or not overwrite) and names:
        first = foreign[0] if foreign else min(names)
        raise FolderError(f"{folder}: this folder holds other files ({first}); choose an empty one")
    if foreign and not (overwrite or resume):
        raise FolderError(
            f"{folder}: this folder holds other files ({foreign[0]}); choose an empty one"
        )


def make_folder(out: str | Path) -> Path:
    """Make a folder to write into, unless it exists.

    Raises:
        FolderError: the folder cannot be made.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder}: cannot make this folder: {error.strerror}") from None
    return folder


@contextmanager
def open_for_training(
    out: str | Path, *, resume: bool = False, overwrite: bool = False, report: Report = discard
) -> Iterator[Path]:
    """Make the folder of a training, and hold its lock for the duration of the block.

    Files of other programs stay, and so does a finished model, which is replaced at the end once
    the new one is complete.

    Yields:
        The folder to write to: `out`, or its subfolder of a replacement.

    Raises:
        FolderError, ConfigError: as `refuse_occupied`; or the folder cannot be made.
    """
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    folder = make_folder(out)
    with hold_lock(folder, report):
        install_replacement(folder)  # complete a replacement that was interrupted
        refuse_occupied(folder, resume=resume, overwrite=overwrite)
        place = _clear(folder, resume=resume)
        try:
            yield place
        finally:
            install_replacement(folder)
            if place != folder and find_unfinished(folder) != place:
                delete_replacement(folder)


def _clear(folder: Path, *, resume: bool) -> Path:
    """Delete the files of a training that begins anew, and return the folder to write to."""
    place = folder
    if (folder / MANIFEST).exists():
        place = folder / REPLACEMENT
        if not resume:
            delete_replacement(folder)
        place.mkdir(exist_ok=True)
    if not resume or place != folder:
        for name in (CHECKPOINT, SOFT_TARGETS):
            (folder / name).unlink(missing_ok=True)
    for path in (*folder.iterdir(), *(place.iterdir() if place != folder else ())):
        if _is_partial(path.name):
            path.unlink()
    return place


def find_unfinished(folder: str | Path) -> Path | None:
    """Return the folder of an unfinished training in `folder` that can be resumed, or None."""
    for place in (Path(folder) / REPLACEMENT, Path(folder)):
        if (place / CHECKPOINT).exists() or (place / SOFT_TARGETS).exists():
            return place
    return None


def _names_in(folder: Path) -> set[str]:
    """Return the names in a folder, without locks, partial files and encoded text."""
    if not folder.exists():
        return set()
    names = {path.name for path in folder.iterdir() if not _is_partial(path.name)}
    return names - {LOCK, ENCODED, f"{ENCODED}-validation"}


def _is_partial(name: str) -> bool:
    """Return whether an interrupted write of this program left the file."""
    return is_partial(name) and (not name.endswith(PARTIAL) or name.removesuffix(PARTIAL) in _OURS)


def _refuse_runs(folder: Path, *, resume: bool) -> None:
    unfinished = find_unfinished(folder)
    if is_finished(folder) and unfinished == folder / REPLACEMENT:
        if resume:
            return
        raise FolderError(
            f"{folder}: a finished model is here already, and an unfinished training that is to "
            "replace it; --resume continues that, --overwrite begins anew"
        )
    if is_finished(folder):
        raise FolderError(
            f"{folder}: a finished model is here already; choose another folder, or --overwrite"
        )
    if unfinished is not None and not resume:
        raise FolderError(
            f"{folder}: an unfinished training is here; --resume continues it, "
            "--overwrite begins anew"
        )
