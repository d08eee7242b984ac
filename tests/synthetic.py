"""Small synthetic data: rows of ids, padding by loops, and a corpus that any model can learn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from munjang.api import train
from munjang.data.batches import TextDataset
from munjang.text.columns import token_column

Rows = Sequence[Sequence[int]]
Texts = list[str]


def make_column(rows: Rows) -> object:
    """Return a token column of rows of ids."""
    values = np.concatenate([np.asarray(row, dtype=np.int32) for row in rows] or [[]])
    return token_column(values, np.cumsum([0, *(len(row) for row in rows)]))


def make_dataset(rows: Rows, targets: Sequence[int]) -> TextDataset:
    """Return a dataset of rows of ids with one class number per row."""
    return TextDataset(make_column(rows), np.asarray(targets, dtype=np.int64))


def pad_rows(rows: Rows, *, extra: int = 0, filler: int = 0) -> tuple[Tensor, Tensor]:
    """Return `ids` and `mask` [rows, longest + extra], padded with `filler` by plain loops."""
    time = max([1, *(len(row) for row in rows)]) + extra
    ids = torch.full((len(rows), time), filler, dtype=torch.int64)
    mask = torch.zeros((len(rows), time), dtype=torch.bool)
    for index, row in enumerate(rows):
        for column, token in enumerate(row):
            ids[index, column] = token
            mask[index, column] = True
    return ids, mask


def random_rows(
    count: int, *, vocabulary: int, shortest: int, longest: int, seed: int = 0
) -> list[list[int]]:
    """Return rows of `shortest` to `longest` random ids from 1 up."""
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest, longest + 1, count)
    return [random.integers(1, vocabulary, n).tolist() for n in lengths]


def make_corpus(rows: int = 120, *, korean: bool = False, seed: int = 0) -> tuple[Texts, Texts]:
    """Return texts and labels of three classes; one word of each text tells its class."""
    random = np.random.default_rng(seed)
    tells, fillers = (_KOREAN if korean else _ENGLISH).values()
    texts, labels = [], []
    for number in range(rows):
        label = number % 3
        words = [*random.choice(fillers, random.integers(1, 7)), random.choice(tells[label])]
        random.shuffle(words)
        texts.append(" ".join([*words, str(number)]))
        labels.append(("bad", "good", "so-so")[label])
    return texts, labels


class StopError(Exception):
    """Stops a training from inside `on_step`."""


def train_until(*, step: int, **arguments: Any) -> None:
    """Train with these arguments, and stop after a step like a process that is killed there."""

    def stop(current: Any) -> None:
        if current.number == step:
            raise StopError

    with pytest.raises(StopError):
        train(**arguments, on_step=stop)


# Small sizes and a learning rate that fits `make_corpus` in a second.
QUICK = (
    "training.epochs=6",
    "training.batch_size=8",
    "training.learning_rate=0.02",
    "training.embedding_learning_rate=0.02",
    "training.embedding_optimizer=adamw",
    "training.schedule=linear",
    "training.threads=1",
    "model.dim=8",
    "model.ngrams=1",
)
_ENGLISH = {
    "tells": [["awful", "boring"], ["great", "lovely"], ["okay", "average"]],
    "fillers": ["the", "film", "plot", "and", "actors", "was", "music"],
}
_KOREAN = {
    "tells": [["별로다", "지루하다"], ["재미있다", "최고"], ["그저그렇다", "보통"]],
    "fillers": ["영화", "배우", "음악", "정말", "이", "그", "줄거리"],
}
