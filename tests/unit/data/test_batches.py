"""Padded batches have exactly the tokens of their column."""

from itertools import pairwise

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.batches import TextDataset, truncate
from munjang.data.buckets import Bucketing
from munjang.text.columns import values_and_offsets
from tests.synthetic import make_column, make_dataset

rows_of_ids = st.lists(st.lists(st.integers(1, 2**31 - 1), max_size=9), max_size=30)


def to_rows(column: object) -> list[list[int]]:
    """Return a token column as lists."""
    values, offsets = values_and_offsets(column)
    return [values[a:b].tolist() for a, b in pairwise(offsets)]


@given(rows=rows_of_ids, batch_size=st.integers(1, 8), seed=st.integers(0, 9))
def test_batches_are_padded_on_the_right(rows: list[list[int]], batch_size: int, seed: int) -> None:
    targets = [len(row) * 3 for row in rows]
    examples = make_dataset(rows, targets)
    seen = []
    for batch in examples.batches(Bucketing(batch_size).shuffle(examples.lengths, (seed,))):
        assert batch.targets is not None
        assert batch.ids.dtype == batch.rows.dtype == batch.targets.dtype == torch.int64
        assert batch.mask.dtype == torch.bool
        assert batch.ids.shape == batch.mask.shape
        for index, row in enumerate(batch.rows.tolist()):
            seen.append(row)
            own = rows[row]
            time = batch.ids.shape[1]
            assert batch.ids[index].tolist() == own + [0] * (time - len(own))
            assert batch.mask[index].tolist() == [True] * len(own) + [False] * (time - len(own))
            assert int(batch.lengths[index]) == len(own)
            assert int(batch.targets[index]) == targets[row]
    assert sorted(seen) == list(range(len(rows)))


def test_in_order_of_length_without_targets() -> None:
    examples = TextDataset(make_column([[1, 2, 3], [], [4], [5, 6]]))
    batches = list(examples.in_order_of_length(batch_size=2))
    assert [batch.rows.tolist() for batch in batches] == [[1, 2], [3, 0]]
    assert all(batch.targets is None for batch in batches)
    assert batches[0].ids.tolist() == [[0], [4]]


def test_sliced_column_starts_at_its_own_offset() -> None:
    examples = TextDataset(make_column([[1], [2, 2], [3, 3, 3]])[1:])
    assert examples.lengths.tolist() == [2, 3]
    (batch,) = examples.in_order_of_length()
    assert batch.ids.tolist() == [[2, 2, 0], [3, 3, 3]]


def test_to_same_device_returns_same_batch() -> None:
    (batch,) = make_dataset([[1]], [0]).in_order_of_length()
    assert batch.to(torch.device("cpu")) is batch
    on_meta = batch.to(torch.device("meta"))
    assert on_meta.targets is not None
    parts = (on_meta.ids, on_meta.lengths, on_meta.mask, on_meta.rows, on_meta.targets)
    assert {part.device.type for part in parts} == {"meta"}


def test_empty_dataset() -> None:
    assert list(make_dataset([], []).in_order_of_length()) == []
    assert make_dataset([], []).lengths.tolist() == []


@given(rows=rows_of_ids, longest=st.integers(0, 10))
def test_truncate_keeps_first_tokens(rows: list[list[int]], longest: int) -> None:
    kept, cut = truncate(make_column(rows), longest)
    assert to_rows(kept) == [row[:longest] for row in rows]
    assert cut == sum(len(row) > longest for row in rows)


@given(rows=rows_of_ids.filter(lambda rows: len(rows) > 2), longest=st.integers(0, 4))
def test_truncate_sliced_column(rows: list[list[int]], longest: int) -> None:
    kept, _ = truncate(make_column(rows)[1:-1], longest)
    assert to_rows(kept) == [row[:longest] for row in rows[1:-1]]


def test_batch_does_not_share_memory_with_column() -> None:
    examples = make_dataset([[1, 2]], [0])
    (batch,) = examples.in_order_of_length()
    batch.ids.zero_()
    assert np.array_equal(values_and_offsets(examples.column)[0], [1, 2])
