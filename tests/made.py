"""Small made data: rows of ids, padded by hand, and a corpus that any model can learn."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from munjang.data.batches import Examples
from munjang.text.columns import token_column

Rows = Sequence[Sequence[int]]


def column_of(rows: Rows) -> object:
    """A token column of some rows of ids."""
    values = np.concatenate([np.asarray(row, dtype=np.int32) for row in rows] or [[]])
    return token_column(values, np.cumsum([0, *(len(row) for row in rows)]))


def examples_of(rows: Rows, targets: Sequence[int]) -> Examples:
    """Rows of ids with a class number each."""
    return Examples(column_of(rows), np.asarray(targets, dtype=np.int64))


def padded(rows: Rows, *, extra: int = 0, filler: int = 0) -> tuple[Tensor, Tensor]:
    """`ids` and `mask` [rows, longest + extra], padded with `filler` by plain loops."""
    time = max([1, *(len(row) for row in rows)]) + extra
    ids = torch.full((len(rows), time), filler, dtype=torch.int64)
    mask = torch.zeros((len(rows), time), dtype=torch.bool)
    for place, row in enumerate(rows):
        for column, token in enumerate(row):
            ids[place, column] = token
            mask[place, column] = True
    return ids, mask


def random_rows(
    count: int, *, vocabulary: int, shortest: int, longest: int, seed: int = 0
) -> list[list[int]]:
    """Rows of `shortest` to `longest` ids from 1 up."""
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest, longest + 1, count)
    return [random.integers(1, vocabulary, n).tolist() for n in lengths]
