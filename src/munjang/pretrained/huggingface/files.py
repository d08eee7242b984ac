"""Files of a checkpoint: bounded readers, whose errors name the file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from munjang.errors import FolderError
from munjang.folder.checked_file import CheckedFile, open_regular
from munjang.folder.weights import Entry, Numbers, read_arrays, read_header, weights_error
from munjang.parsing import UnreadableError, parse_json
from munjang.pretrained.huggingface.config import ARCHITECTURES, CONFIG
from munjang.pretrained.huggingface.weights import ALLOCATED, read_tensor

WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_PICKLES = ("pytorch_model.bin", "model.bin", "pytorch_model.bin.index.json")
_OTHERS = ("tf_model.h5", "flax_model.msgpack", "model.ckpt.index")
_MOST_BYTES = 8_000_000


def read_values(path: Path) -> dict[str, Any]:
    """Read the JSON object of a file.

    Raises:
        FolderError: there is no such file, or it holds something else.
    """
    if not path.exists():
        raise FolderError(
            f"{path}: there is no such file; expected a folder that transformers wrote with "
            "save_pretrained(FOLDER)"
        )
    with open_regular(path) as file:
        data = file.read(_MOST_BYTES + 1)
    try:
        values = parse_json(data, most_bytes=_MOST_BYTES)
    except UnreadableError as error:
        raise FolderError(f"{path}: {error}") from None
    if not isinstance(values, dict):
        raise FolderError(f"{path}: expected a JSON object, got {str(values)[:40]}")
    return values


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file in UTF-8.

    Raises:
        FolderError: the file is too large, or no UTF-8.
    """
    with open_regular(path) as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise FolderError(f"{path}: more than {_MOST_BYTES:,} bytes, which are not read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FolderError(f"{path}: expected UTF-8: {error}") from None
    # as Python reads lines of a text file, and not at other characters that end a line
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removesuffix("\n").split("\n")


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint; floating-point numbers become float32.

    Raises:
        FolderError: there are none in safetensors, or the file is damaged.
    """
    path = folder / WEIGHTS
    if not path.exists():
        raise FolderError(_without_weights(folder))
    weights: dict[str, Tensor] = {}
    with open_regular(path) as opened:
        file = CheckedFile(path, os.fstat(opened.fileno()).st_size, opened)
        header = read_header(file, foreign=True)
        arrays = read_arrays(file, header, _allocate)
    for name, entry in header.items():
        weights[name] = tensor = read_tensor(arrays.pop(name), entry.kind)
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise weights_error(path, f"{name[:100]!r} holds NaN or infinity")
    return weights


def _allocate(name: str, entry: Entry) -> Numbers:
    array: Numbers = np.empty(entry.shape, dtype=ALLOCATED[entry.kind])
    return array


def _class_of(folder: Path) -> str:
    """Return the name of the class that `config.json` names, else that of the encoder alone."""
    names = read_values(folder / CONFIG).get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    return name if isinstance(name, str) and name in ARCHITECTURES else "BertModel"


def _without_weights(folder: Path) -> str:
    """Return why a folder has no weights that can be read, and what to do."""
    # by its own class, as another one would add a head with random weights
    resave = (
        f"write safetensors with transformers: {_class_of(folder)}.from_pretrained(FOLDER)"
        ".save_pretrained(NEW_FOLDER)"
    )
    for name in _PICKLES:
        if (folder / name).exists():
            return (
                f"{folder / name}: a pickle can run any code and is not read; if you trust it, "
                f"{resave}"
            )
    if (folder / _INDEX).exists():
        return (
            f"{folder / _INDEX}: weights in several files are not read; save them again with "
            'save_pretrained(NEW_FOLDER, max_shard_size="100GB")'
        )
    for name in _OTHERS:
        if (folder / name).exists():
            return f"{folder / name}: only {WEIGHTS} is read; {resave}"
    return (
        f"{folder / WEIGHTS}: there is no such file; expected a folder that transformers wrote "
        "with save_pretrained(FOLDER)"
    )
