"""Checkpoints: one safetensors file, replaced atomically, that a killed run goes on from."""

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from munjang.errors import FolderError
from munjang.training.state import TrainingState

FILE = "checkpoint.safetensors"


def save_checkpoint(folder: Path, state: TrainingState, fingerprint: str) -> Path:
    """Write `folder/checkpoint.safetensors`: whole, or not at all.

    Args:
        folder: an existing folder.
        state: the run.
        fingerprint: identifies data and settings; `load_checkpoint` refuses any other.
    """
    path = folder / FILE
    partial = path.with_name(path.name + ".partial")
    numbers = json.dumps(state.numbers())
    save_file(state.tensors(), partial, metadata={"numbers": numbers, "fingerprint": fingerprint})
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def load_checkpoint(folder: Path, state: TrainingState, fingerprint: str) -> bool:
    """Put `state` back to the checkpoint in `folder`. False when there is none.

    Raises:
        FolderError: the file is damaged, or belongs to other data or settings.
    """
    path = folder / FILE
    if not path.exists():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata()
            # copies: a tensor of safetensors is the mapped file itself, which the next checkpoint
            # replaces (not allowed on Windows) and which a shorter one would pull from under us
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        numbers = json.loads(metadata["numbers"])
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise FolderError(f"{path}: this checkpoint is damaged ({error}); train anew") from None
    if metadata.get("fingerprint") != fingerprint:
        raise FolderError(
            f"{path}: this checkpoint was made with other data or settings; "
            "resume with the same ones, or train into another folder"
        )
    try:
        state.restore(tensors, numbers)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise FolderError(
            f"{path}: this checkpoint does not fit this version of the model ({reason}); train anew"
        ) from None
    return True
