"""Batches of rows in files: the same rows as in memory, in an order that follows from the seed."""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.buckets import Bucketing
from munjang.data.order import OrdersBatches, ShuffledOrder, order_batches
from munjang.data.shards import dataset as datasets
from munjang.data.shards.batch_counts import count_batches
from munjang.data.shards.order import WindowedOrder
from tests.unit.data.shards.conftest import ShardedAndInMemory

BUCKETINGS = [
    Bucketing(8),
    Bucketing(1),
    Bucketing(None, 40),
    Bucketing(None, 5),
    Bucketing(8, None, (3, 12)),
    Bucketing(None, 30, (2, 4, 12)),
]


@given(
    st.lists(st.integers(0, 12), max_size=300),
    st.sampled_from(BUCKETINGS),
    st.integers(0, 5),
)
def test_count_batches_equals_shuffled_batches(
    lengths: list[int], bucketing: Bucketing, seed: int
) -> None:
    rows = np.array(lengths, dtype=np.int64)
    groups = bucketing.shuffle_equal_lengths(rows, (seed,))
    counted = count_batches(np.unique(rows, return_counts=True), bucketing)
    shapes = sorted((len(group.rows), group.time) for group in groups)
    assert shapes == sorted((c.rows, c.time) for c in counted for _ in range(c.batches))
    assert sorted(row for group in groups for row in group.rows.tolist()) == list(range(len(rows)))


def test_count_batches_of_very_long_rows() -> None:
    bucketing, lengths = Bucketing(4), np.array([2, 600, 700, 900, 2000, 3000])
    groups = bucketing.shuffle_equal_lengths(lengths, (0,))
    counted = count_batches(np.unique(lengths, return_counts=True), bucketing)
    assert len(groups) == sum(count.batches for count in counted)


def test_batches_equal_those_in_memory(make_datasets: Callable[..., ShardedAndInMemory]) -> None:
    rows, memory = make_datasets()
    assert len(rows.entries) > 6
    assert len(rows) == len(memory)
    assert np.array_equal(rows.lengths, memory.lengths)
    groups = list(Bucketing(16).shuffle(memory.lengths, (0, 1)))
    for actual, expected in zip(rows.batches(groups), memory.batches(groups), strict=True):
        assert torch.equal(actual.ids, expected.ids)
        assert torch.equal(actual.mask, expected.mask)
        assert torch.equal(actual.lengths, expected.lengths)
        assert torch.equal(actual.rows, expected.rows)
    positions = np.array([5, 199, 0, 5, 77])
    taken, expected_rows = rows.take(positions), memory.take(positions)
    assert taken.column.equals(expected_rows.column)
    seen = [row for batch in rows.in_order_of_length(16) for row in batch.rows.tolist()]
    assert sorted(seen) == list(range(200))


@pytest.mark.parametrize("bucketing", BUCKETINGS)
def test_epoch_has_every_row_once_and_known_steps(
    make_datasets: Callable[..., ShardedAndInMemory], bucketing: Bucketing
) -> None:
    rows, _ = make_datasets()
    order = order_batches(rows, bucketing, seed=4)
    assert isinstance(order, WindowedOrder)
    epochs = []
    for epoch in range(3):
        groups = list(order.groups(epoch))
        assert len(groups) == order.steps(epoch)
        seen = [row for group in groups for row in group.rows.tolist()]
        assert sorted(seen) == list(range(200))
        epochs.append(seen)
    assert epochs[0] != epochs[1] != epochs[2]
    repeated = order_batches(rows, bucketing, seed=4)
    assert [row for group in repeated.groups(1) for row in group.rows.tolist()] == epochs[1]
    other = order_batches(rows, bucketing, seed=5)
    assert [row for group in other.groups(1) for row in group.rows.tolist()] != epochs[1]


def test_order_resumes_at_any_step_without_opening_earlier_windows(
    make_datasets: Callable[..., ShardedAndInMemory], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, _ = make_datasets(window=2)
    order = rows.order(Bucketing(None, 40), 1)
    whole = [group.rows.tolist() for group in order.groups(2)]
    opened: list[str] = []
    open_shard = datasets.open_shard

    def spy(folder: object, entry: object, size: int) -> object:
        opened.append(entry.file)  # type: ignore[attr-defined]
        return open_shard(folder, entry, size)  # type: ignore[arg-type]

    monkeypatch.setattr(datasets, "open_shard", spy)
    for first in (0, 1, len(whole) // 2, len(whole) - 1, len(whole)):
        rows._open.clear()
        opened.clear()
        assert [group.rows.tolist() for group in order.groups(2, first)] == whole[first:]
    rows._open.clear()
    opened.clear()
    next(iter(order.groups(2, len(whole) - 1)))
    assert len(opened) <= 2


def test_open_files_are_limited_to_the_window(
    make_datasets: Callable[..., ShardedAndInMemory],
) -> None:
    rows, _ = make_datasets(window=2)
    order = rows.order(Bucketing(4), 1)
    for batch in rows.batches(islice(order.groups(0), 100)):
        assert len(rows._open) <= 2
        files = {int(f) for f in rows._files_of(batch.rows.numpy())}
        assert len(files) <= 2
    assert any(
        len({int(f) for f in rows._files_of(group.rows)}) == 2 for group in order.groups(0)
    ), "rows of a window are mixed"


def test_padding_share_equals_padding_of_batches(
    make_datasets: Callable[..., ShardedAndInMemory],
) -> None:
    rows, memory = make_datasets()
    order = rows.order(Bucketing(None, 64), 1)
    positions = sum(group.places for group in order.groups(0))
    assert order.padding_share() == pytest.approx(1 - memory.lengths.sum() / positions)


def test_in_memory_order_equals_shuffled_batches() -> None:
    lengths = np.random.default_rng(0).integers(1, 30, 500)
    for bucketing in (Bucketing(16), Bucketing(None, 100)):
        order = ShuffledOrder(bucketing, lengths, 7)
        for epoch in (0, 3, 1):
            expected = bucketing.shuffle(lengths, (7, epoch))
            actual = list(order.groups(epoch, 2))
            assert len(actual) == len(expected) - 2
            for group, other in zip(actual, expected[2:], strict=True):
                assert np.array_equal(group.rows, other.rows)
                assert group.time == other.time


def test_only_datasets_in_files_order_batches(
    make_datasets: Callable[..., ShardedAndInMemory],
) -> None:
    rows, memory = make_datasets()
    assert isinstance(rows, OrdersBatches)
    assert not isinstance(memory, OrdersBatches)
