"""What stands in a model folder, and whether a training may write into a folder.

config.yaml         the recipe, labels included
tokenizer.json      settings and state of the tokenizer
vocabulary.json     tokens and counts; neither stands in a folder for images
target_*.json       both likewise of the targets, where they have a vocabulary of their own
model.safetensors   weights
metrics.json        scores on the validation part, history, and how it was trained
README.md           a model card
manifest.json       checksums of all of these; written last

While a training runs, config.yaml, metrics.jsonl, tensorboard/ and checkpoint.safetensors.
"""

import re
from pathlib import Path

from munjang.errors import ConfigError, FolderError
from munjang.manifest import FILE as MANIFEST
from munjang.manifest import PARTIAL
from munjang.training.checkpoints import FILE as CHECKPOINT
from munjang.training.logs import BOARD
from munjang.training.logs import FILE as LOG

CONFIG, TOKENIZER, VOCABULARY = "config.yaml", "tokenizer.json", "vocabulary.json"
WEIGHTS, METRICS, CARD = "model.safetensors", "metrics.json", "README.md"
TARGET_TOKENIZER, TARGET_VOCABULARY = "target_tokenizer.json", "target_vocabulary.json"
FILES = (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, METRICS, CARD)
EVERY_FILE = (*FILES, TARGET_TOKENIZER, TARGET_VOCABULARY)
IMAGE_FILES = (CONFIG, WEIGHTS, METRICS, CARD)
# A folder with one of these was ours before; README.md or config.yaml alone may be anybody's.
_MARKS = {MANIFEST, CHECKPOINT, LOG}
_OURS = {*EVERY_FILE, *_MARKS, BOARD}
_BEGUN = re.compile(r"\.tmp\w{6}")


def refuse_occupied(
    out: str | Path | None, *, resume: bool = False, overwrite: bool = False
) -> None:
    """See to it that a training into `out` would destroy nothing unasked. Changes nothing.

    Raises:
        FolderError: a file, a finished model, an unfinished run or other files stand there.
        ConfigError: `resume` without a folder.
    """
    if out is None:
        if resume:
            raise ConfigError("resume needs the folder of the run to go on with")
        return
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder}: expected a folder to write the model to, this is a file")
    names = _names_in(folder)
    if not overwrite:
        _refuse_runs(folder, names, resume=resume)
    foreign = sorted(name for name in names if name not in _OURS)
    if not names & _MARKS and (foreign or not overwrite) and names:
        first = foreign[0] if foreign else min(names)
        raise FolderError(f"{folder}: this folder holds other files ({first}); choose an empty one")
    if foreign and not (overwrite or resume):
        raise FolderError(
            f"{folder}: this folder holds other files ({foreign[0]}); choose an empty one"
        )


def open_for_training(
    out: str | Path | None, *, resume: bool = False, overwrite: bool = False
) -> Path | None:
    """Make the folder of a training. A model in it ends here; files that are not ours stay.

    Raises:
        FolderError, ConfigError: as `refuse_occupied`; or the folder cannot be made.
    """
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    if out is None:
        return None
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder}: cannot make this folder: {error.strerror}") from None
    (folder / MANIFEST).unlink(missing_ok=True)
    if overwrite and not resume:
        (folder / CHECKPOINT).unlink(missing_ok=True)
    for path in folder.iterdir():
        if _is_half(path.name):
            path.unlink()
    return folder


def _names_in(folder: Path) -> set[str]:
    """Names in a folder; what a killed write left half done counts as nothing."""
    if not folder.exists():
        return set()
    return {path.name for path in folder.iterdir() if not _is_half(path.name)}


def _is_half(name: str) -> bool:
    """Whether a killed write left it: ours beside its place, or what safetensors had begun."""
    ours = name.endswith(PARTIAL) and name.removesuffix(PARTIAL) in _OURS
    return ours or _BEGUN.fullmatch(name) is not None


def _refuse_runs(folder: Path, names: set[str], *, resume: bool) -> None:
    if MANIFEST in names:
        raise FolderError(
            f"{folder}: a finished model stands here; choose another folder, or --overwrite"
        )
    if CHECKPOINT in names and not resume:
        raise FolderError(
            f"{folder}: an unfinished training stands here; --resume goes on with it, "
            "--overwrite begins anew"
        )
