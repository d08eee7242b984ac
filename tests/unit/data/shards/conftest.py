"""A dataset in files, and the same rows in memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.data.batches import TextDataset
from munjang.data.shards.dataset import ShardedDataset
from munjang.data.shards.writer import PartWriter
from tests.synthetic import make_column, random_rows

VOCABULARY = 50
ShardedAndInMemory = tuple[ShardedDataset, TextDataset]


def write_part(folder: Path, rows: list[list[int]], tokens: int, piece: int = 7) -> Any:
    """Write rows into files of so many tokens, a few rows at a time."""
    writer = PartWriter(folder, "training", tokens)
    for start in range(0, len(rows), piece):
        some = rows[start : start + piece]
        values = np.array([i for row in some for i in row], dtype=np.int32)
        offsets = np.cumsum([0, *map(len, some)])
        writer.add(values, offsets, np.arange(start, start + len(some)))
    return writer.finish()


@pytest.fixture
def make_datasets(tmp_path: Path) -> Callable[..., ShardedAndInMemory]:
    """Make a dataset in files, and the same rows in memory."""

    def make(
        count: int = 200, *, tokens: int = 100, window: int = 3, seed: int = 0
    ) -> ShardedAndInMemory:
        rows = random_rows(count, vocabulary=VOCABULARY, shortest=1, longest=9, seed=seed)
        part = write_part(tmp_path, rows, tokens)
        return ShardedDataset(tmp_path, part, VOCABULARY, window), TextDataset(make_column(rows))

    return make
