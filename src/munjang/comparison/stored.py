"""Files of a comparison: its parts, and the answers of its runs. They are read without torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from munjang.errors import FolderError
from munjang.folder.manifest import write_atomically, write_whole
from munjang.json_files import read_json

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LABELS, PIXELS = "labels.json", "pixels"
ANSWERS, NUMBERS = "answers.json", "numbers.safetensors"


@dataclass(frozen=True)
class Part:
    """One of train, valid and test.

    Attributes:
        inputs: Texts, sources of pairs, names of images, or (first, second) of two texts.
        targets: Labels, numbers, sets of labels, or targets of pairs; empty for lines of running
            text.
    """

    inputs: list[Any]
    targets: list[Any]

    @property
    def texts(self) -> list[str]:
        """The inputs for people: two texts with a bar between them."""
        return [one if isinstance(one, str) else " | ".join(one) for one in self.inputs]


def part_file(folder: Path, name: str) -> Path:
    """Return the Parquet file of a part: columns of inputs, and last one of targets, if any."""
    return folder / f"{name}.parquet"


def read_part(folder: Path, name: str) -> Part:
    """Read one of the parts."""
    frame = pl.read_parquet(part_file(folder, name))
    *inputs, targets = (column.to_list() for column in frame.get_columns())
    if not inputs:
        return Part(targets, [])
    return Part(inputs[0] if len(inputs) == 1 else list(zip(*inputs, strict=True)), targets)


def pixels_file(folder: Path, name: str) -> Path:
    """Return the file of the pixels of a part of images."""
    return folder / f"{name}.safetensors"


def read_pixels(folder: Path, name: str) -> npt.NDArray[np.uint8]:
    """Read the pixels of a part of images: uint8 [images, channels, height, width]."""
    pixels: npt.NDArray[np.uint8] = load_file(pixels_file(folder, name))[PIXELS]
    return pixels


def read_images(folder: Path, name: str) -> list[npt.NDArray[np.uint8]]:
    """Read the images of a part as models take them: [height, width], or [height, width, 3]."""
    pixels = read_pixels(folder, name)
    images = pixels[:, 0] if pixels.shape[1] == 1 else np.moveaxis(pixels, 1, -1)
    return list(np.ascontiguousarray(images))


def read_labels(folder: Path) -> tuple[str, ...]:
    """Read the labels, in the order in which every model numbers them."""
    return tuple(json.loads((folder / LABELS).read_text(encoding="utf-8")))


def class_numbers(part: Part, labels: Sequence[str]) -> Ints:
    """Return the true class of each row as its place in `labels`, [rows]."""
    places = {label: place for place, label in enumerate(labels)}
    return pl.Series(part.targets).replace_strict(places, return_dtype=pl.Int64).to_numpy()


def set_targets(part: Part, labels: Sequence[str]) -> Bools:
    """Return which labels each row has, [rows, labels]."""
    places = {label: place for place, label in enumerate(labels)}
    targets = np.zeros((len(part.targets), len(labels)), dtype=np.bool_)
    for row, names in enumerate(part.targets):
        targets[row, [places[name] for name in names]] = True
    return targets


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write what a run answered to the test part.

    Raises:
        ValueError: Some numbers are not finite, so that nothing can be judged.
    """
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("some answers to the test part are not finite numbers")
    with write_whole(path) as partial:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial)


def read_arrays(path: Path, names: Sequence[str]) -> list[Any]:
    """Read what `write_arrays` wrote, in the order of `names`.

    Raises:
        FolderError: The file is missing or damaged.
    """
    try:
        arrays = load_file(path)
        found = [arrays[name] for name in names]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise FolderError(
            f"{path}: the answers of a run cannot be read ({error}); {run_again(path.parent)}"
        ) from None
    if not all(array.dtype.kind in "fi" and np.isfinite(array).all() for array in found):
        raise FolderError(f"{path}: expected finite numbers; {run_again(path.parent)}")
    return found


def write_numbers(run: Path, numbers: Floats) -> None:
    """Write a number per row of the test part.

    Raises:
        ValueError: Some are not finite.
    """
    write_arrays(run / NUMBERS, {"numbers": np.asarray(numbers, dtype=np.float64)})


def read_numbers(run: Path, rows: int) -> Floats:
    """Read what `write_numbers` wrote.

    Raises:
        FolderError: The file is missing, damaged, or of another test part.
    """
    (numbers,) = read_arrays(run / NUMBERS, ["numbers"])
    if numbers.shape != (rows,):
        raise FolderError(f"{run / NUMBERS}: expected {rows:,} numbers; {run_again(run)}")
    return np.asarray(numbers, dtype=np.float64)


def write_answers(run: Path, answers: Sequence[str]) -> None:
    """Write a text per source of the test part, in their order."""
    write_atomically(run / ANSWERS, json.dumps(answers, ensure_ascii=False) + "\n")


def read_answers(run: Path, rows: int) -> list[str]:
    """Read what `write_answers` wrote.

    Raises:
        FolderError: The file is missing, damaged, or of another test part.
    """
    answers = read_json(run / ANSWERS, "answers of a run", run_again(run))
    is_list = isinstance(answers, list) and all(isinstance(answer, str) for answer in answers)
    if not is_list or len(answers) != rows:
        raise FolderError(f"{run / ANSWERS}: expected {rows:,} answers; {run_again(run)}")
    texts: list[str] = answers
    return texts


def run_again(run: Path) -> str:
    """Return what to do about a damaged run."""
    return f"remove {run}, and --resume runs it again"
