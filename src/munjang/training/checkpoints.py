"""Checkpoints: one safetensors file, replaced atomically, that a killed run goes on from."""

import json
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from munjang.errors import FolderError
from munjang.manifest import written_whole
from munjang.replacing import CHECKPOINT
from munjang.training.fingerprints import what_changed
from munjang.training.state import TrainingState, Weights

FILE = CHECKPOINT


def save_checkpoint(folder: Path, state: TrainingState, fingerprint: str) -> Path:
    """Write `folder/checkpoint.safetensors`: whole, or not at all.

    Args:
        folder: an existing folder.
        state: the run.
        fingerprint: identifies data and settings; `load_checkpoint` refuses any other.

    Raises:
        OSError: it cannot be written, naming the file; an earlier one stays.
    """
    path = folder / FILE
    tensors = state.tensors()
    metadata = {
        "numbers": json.dumps(state.numbers()),
        "fingerprint": fingerprint,
        "checksum": _checksum(tensors),
    }
    with written_whole(path) as partial:
        save_file(tensors, partial, metadata=metadata)
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
        if metadata["checksum"] != _checksum(tensors):
            raise ValueError("its checksum differs")
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise FolderError(f"{path}: this checkpoint is damaged ({error}); train anew") from None
    _refuse_another_run(path, metadata, fingerprint)
    try:
        state.restore(tensors, numbers)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise FolderError(
            f"{path}: this checkpoint does not fit this version of the model ({reason}); train anew"
        ) from None
    return True


def check_checkpoint(folder: Path, fingerprint: str) -> None:
    """Refuse a checkpoint in `folder` that belongs to other data or settings.

    Raises:
        FolderError: as said. A damaged one is left to `load_checkpoint`.
    """
    path = folder / FILE
    if not path.exists():
        return
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError:
        return
    _refuse_another_run(path, metadata, fingerprint)


def _refuse_another_run(path: Path, metadata: dict[str, Any], fingerprint: str) -> None:
    made_with = metadata.get("fingerprint", "")
    if made_with != fingerprint:
        changed = what_changed(made_with, fingerprint)
        raise FolderError(
            f"{path}: this checkpoint was made with other data or settings"
            f"{f' ({changed})' if changed else ''}; resume with the same ones, or train into "
            "another folder"
        )


def _checksum(tensors: Weights) -> str:
    """CRC-32 of all tensors in the order of their names: a slip of the disk, not an enemy."""
    value = 0
    for name in sorted(tensors):
        numbers: Any = tensors[name].cpu().reshape(-1).view(torch.uint8).numpy()
        value = zlib.crc32(numbers, value)
    return f"{value:08x}"
