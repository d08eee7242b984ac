"""What a comparison keeps of its data and of its runs' answers, as it is read without torch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from munjang.comparison.statistics import Floats, Ints
from munjang.errors import FolderError
from munjang.json_files import read_json
from munjang.manifest import write_atomically, written_whole

LABELS = "labels.json"
PROBABILITIES, ANSWERS = "probabilities.safetensors", "answers.json"


@dataclass(frozen=True)
class Part:
    """One of the parts.

    Attributes:
        texts: what is asked.
        answers: what people say to each: a label, or the target of a pair.
    """

    texts: list[str]
    answers: list[str]


def part_file(folder: Path, name: str) -> Path:
    """Where a part lies: Parquet with a column of texts and one of answers."""
    return folder / f"{name}.parquet"


def read_part(folder: Path, name: str) -> Part:
    """One of the parts."""
    frame = pl.read_parquet(part_file(folder, name))
    texts, answers = frame.get_columns()
    return Part(texts.to_list(), answers.to_list())


def labels_of(folder: Path) -> tuple[str, ...]:
    """The classes of the training part, in the order in which every model numbers them."""
    return tuple(json.loads((folder / LABELS).read_text(encoding="utf-8")))


def class_numbers(part: Part, labels: Sequence[str]) -> Ints:
    """The true class of each text as its place in `labels`, [rows]."""
    places = {label: place for place, label in enumerate(labels)}
    return pl.Series(part.answers).replace_strict(places, return_dtype=pl.Int64).to_numpy()


def write_probabilities(run: Path, probabilities: Floats) -> None:
    """Keep what a run says of the test part: [rows, classes], in the order of the labels.

    Raises:
        ValueError: some are no numbers, so that nothing can be judged.
    """
    if not np.isfinite(probabilities).all():
        raise ValueError("some probabilities of the test part are no finite numbers")
    with written_whole(run / PROBABILITIES) as partial:
        save_file({"probabilities": probabilities}, partial)


def read_probabilities(run: Path, shape: tuple[int, int]) -> Floats:
    """What `write_probabilities` kept.

    Raises:
        FolderError: the file is missing, damaged, or of another test part.
    """
    path = run / PROBABILITIES
    try:
        found = load_file(path)["probabilities"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise FolderError(f"{path}: no probabilities here ({error}); {_again(run)}") from None
    if found.shape != shape or found.dtype.kind != "f" or not np.isfinite(found).all():
        expected = f"{shape[0]:,} rows of {shape[1]:,} probabilities"
        raise FolderError(f"{path}: expected {expected}, found others; {_again(run)}")
    return found


def write_answers(run: Path, answers: Sequence[str]) -> None:
    """Keep what a run answers to the sources of the test part, in their order."""
    write_atomically(run / ANSWERS, json.dumps(answers, ensure_ascii=False) + "\n")


def read_answers(run: Path, rows: int) -> list[str]:
    """What `write_answers` kept.

    Raises:
        FolderError: the file is missing, damaged, or of another test part.
    """
    answers = read_json(run / ANSWERS, "answers of a run", _again(run))
    is_list = isinstance(answers, list) and all(isinstance(one, str) for one in answers)
    if not is_list or len(answers) != rows:
        raise FolderError(f"{run / ANSWERS}: expected {rows:,} answers; {_again(run)}")
    found: list[str] = answers
    return found


def _again(run: Path) -> str:
    return f"remove {run}, and --resume runs it again"
