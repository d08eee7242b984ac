"""Checkpoints: one safetensors file, replaced atomically, from which a killed run is resumed."""

import json
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from munjang.errors import FolderError
from munjang.folder.manifest import write_whole
from munjang.folder.replacement import CHECKPOINT
from munjang.training.fingerprints import describe_change
from munjang.training.state import TrainingState, Weights

FILE = CHECKPOINT


def save_checkpoint(folder: Path, state: TrainingState, fingerprint: str) -> Path:
    """Write `folder/checkpoint.safetensors` atomically.

    Args:
        folder: an existing folder.
        state: the run.
        fingerprint: identifies data and settings; `load_checkpoint` accepts no other one.

    Returns:
        The path of the file.

    Raises:
        OSError: the file cannot be written; the message names it. An earlier checkpoint stays.
    """
    path = folder / FILE
    tensors = state.tensors()
    metadata = {
        "numbers": json.dumps(state.numbers()),
        "fingerprint": fingerprint,
        "checksum": _checksum(tensors),
    }
    with write_whole(path) as partial:
        save_file(tensors, partial, metadata=metadata)
    return path


def load_checkpoint(folder: Path, state: TrainingState, fingerprint: str) -> bool:
    """Restore `state` from the checkpoint in `folder`, and return whether there was one.

    Raises:
        FolderError: the file is damaged, or belongs to other data or settings.
    """
    path = folder / FILE
    if not path.exists():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata()
            # copied: a tensor of safetensors is the mapped file itself, which the next checkpoint
            # replaces (not allowed on Windows), and a shorter file would unmap its memory
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        numbers = json.loads(metadata["numbers"])
        if metadata["checksum"] != _checksum(tensors):
            raise ValueError("checksum mismatch")
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise FolderError(
            f"{path}: this checkpoint is damaged ({error}); train again from the start"
        ) from None
    _check_fingerprint(path, metadata, fingerprint)
    try:
        state.restore(tensors, numbers)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise FolderError(
            f"{path}: this checkpoint does not fit this version of the model ({reason}); train "
            "again from the start"
        ) from None
    return True


def check_checkpoint(folder: Path, fingerprint: str) -> None:
    """Raise if a checkpoint in `folder` belongs to other data or settings.

    Raises:
        FolderError: it does. A damaged checkpoint passes; `load_checkpoint` raises for it.
    """
    path = folder / FILE
    if not path.exists():
        return
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError:
        return
    _check_fingerprint(path, metadata, fingerprint)


def _check_fingerprint(path: Path, metadata: dict[str, Any], fingerprint: str) -> None:
    made_with = metadata.get("fingerprint", "")
    if made_with != fingerprint:
        changed = describe_change(made_with, fingerprint)
        raise FolderError(
            f"{path}: this checkpoint was made with other data or settings"
            f"{f' ({changed})' if changed else ''}; resume with the same ones, or train into "
            "another folder"
        )


def _checksum(tensors: Weights) -> str:
    """Return the CRC-32 of all tensors by name: it detects disk errors, not manipulation."""
    value = 0
    for name in sorted(tensors):
        numbers: Any = tensors[name].cpu().reshape(-1).view(torch.uint8).numpy()
        value = zlib.crc32(numbers, value)
    return f"{value:08x}"
