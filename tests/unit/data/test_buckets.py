"""Bucketing: every row once, little padding, kept budgets, reproducible order."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.buckets import (
    Bucketing,
    Group,
    group_equal_lengths,
    padding_share,
    parse_boundaries,
)
from munjang.errors import ConfigError

some_lengths = st.lists(st.integers(0, 60), max_size=80).map(lambda n: np.asarray(n, np.int64))
bucketings = st.one_of(
    st.builds(Bucketing, batch_size=st.integers(1, 20)),
    st.builds(Bucketing, batch_size=st.none(), batch_tokens=st.integers(1, 200)),
    st.builds(Bucketing, batch_size=st.integers(1, 20), boundaries=st.just((5, 20, 60))),
    st.builds(
        Bucketing,
        batch_size=st.none(),
        batch_tokens=st.integers(1, 200),
        boundaries=st.just((10, 60)),
    ),
)
seeds = st.tuples(st.integers(0, 9), st.integers(0, 9))


def both_orders(bucketing: Bucketing, lengths: np.ndarray, seed: tuple[int, int]) -> list:
    return [bucketing.shuffle(lengths, seed), bucketing.in_order_of_length(lengths)]


@given(bucketing=bucketings, lengths=some_lengths, seed=seeds)
def test_every_row_is_in_one_group_that_is_long_enough(
    bucketing: Bucketing, lengths: np.ndarray, seed: tuple[int, int]
) -> None:
    for groups in both_orders(bucketing, lengths, seed):
        rows = [int(row) for group in groups for row in group.rows]
        assert sorted(rows) == list(range(len(lengths)))
        for group in groups:
            assert len(group.rows) > 0
            assert group.time >= max(1, lengths[group.rows].max())
            if bucketing.boundaries is None:
                assert group.time == max(1, lengths[group.rows].max())


@given(bucketing=bucketings, lengths=some_lengths, seed=seeds)
def test_batch_size_and_token_budget_are_respected(
    bucketing: Bucketing, lengths: np.ndarray, seed: tuple[int, int]
) -> None:
    for groups in both_orders(bucketing, lengths, seed):
        for group in groups:
            if bucketing.batch_size is not None:
                assert len(group.rows) <= bucketing.batch_size
            elif len(group.rows) > 1:  # a row that is alone too long still has to go somewhere
                assert bucketing.batch_tokens is not None
                assert len(group.rows) * group.time <= bucketing.batch_tokens


def token_batches(rows: list[int], lengths: np.ndarray, budget: int) -> list[tuple[list[int], int]]:
    """Return batches of at most `budget` tokens and their padded lengths, row by row."""
    batches: list[tuple[list[int], int]] = []
    for row in rows:
        batch, time = batches[-1] if batches else ([], 0)
        longest = max(time, int(lengths[row]), 1)
        if batch and longest * (len(batch) + 1) <= budget:
            batches[-1] = ([*batch, row], longest)
        else:
            batches.append(([row], max(int(lengths[row]), 1)))
    return batches


@given(lengths=some_lengths, budget=st.integers(1, 300))
def test_token_batches_equal_loop_over_rows(lengths: np.ndarray, budget: int) -> None:
    groups = Bucketing(None, budget).in_order_of_length(lengths)
    order = np.argsort(lengths, kind="stable").tolist()
    batches = [(group.rows.tolist(), group.time) for group in groups]
    assert batches == token_batches(order, lengths, budget)


@given(lengths=some_lengths, budget=st.integers(60, 300), seed=seeds)
def test_token_batches_are_filled_before_the_next(
    lengths: np.ndarray, budget: int, seed: tuple[int, int]
) -> None:
    groups = Bucketing(None, budget, noise=0.0).in_order_of_length(lengths)
    for group, following in pairwise(groups):
        one_more = max(group.time, int(lengths[following.rows[0]]))
        assert (len(group.rows) + 1) * one_more > budget


@given(lengths=some_lengths, rows=st.integers(1, 9), seed=seeds)
def test_boundaries_set_padded_length(
    lengths: np.ndarray, rows: int, seed: tuple[int, int]
) -> None:
    bucketing = Bucketing(rows, boundaries=(10, 60))
    for groups in both_orders(bucketing, lengths, seed):
        for group in groups:
            group_lengths = lengths[group.rows]
            is_short = (group_lengths <= 10).all()
            assert is_short or (group_lengths > 10).all()
            # no further than the longest row of all
            assert group.time == min(10 if is_short else 60, max(1, lengths.max()))


def test_boundary_far_beyond_the_longest_row_pads_to_that_row() -> None:
    groups = Bucketing(64, boundaries=(2, 10**6)).in_order_of_length(np.array([1, 2, 5, 7]))
    assert [group.time for group in groups] == [2, 7]


def test_boundaries_are_inclusive_and_bounded() -> None:
    lengths = np.array([0, 1, 10, 11, 100])
    groups = Bucketing(64, boundaries=(10, 100)).in_order_of_length(lengths)
    assert [(group.rows.tolist(), group.time) for group in groups] == [
        ([0, 1, 2], 10),
        ([3, 4], 100),
    ]
    with pytest.raises(ConfigError, match="a row of 101 tokens is longer than the last bucket"):
        Bucketing(64, boundaries=(10, 100)).in_order_of_length(np.array([3, 101]))


@given(bucketing=bucketings, lengths=some_lengths, seed=seeds)
def test_same_seed_gives_same_epoch(
    bucketing: Bucketing, lengths: np.ndarray, seed: tuple[int, int]
) -> None:
    first, second = (bucketing.shuffle(lengths, seed) for _ in range(2))
    assert [(g.rows.tolist(), g.time) for g in first] == [(g.rows.tolist(), g.time) for g in second]


@pytest.mark.parametrize("boundaries", [None, (20, 60)])
def test_epochs_differ_in_batches_and_order(boundaries: tuple[int, ...] | None) -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    bucketing = Bucketing(16, boundaries=boundaries)
    passes = [bucketing.shuffle(lengths, (0, epoch)) for epoch in range(2)]
    sets = [{frozenset(group.rows.tolist()) for group in groups} for groups in passes]
    assert len(sets[0] & sets[1]) < 3
    times = [group.time for group in passes[0]]
    assert times != sorted(times)


def test_in_order_of_length_is_sorted() -> None:
    lengths = np.random.default_rng(0).integers(0, 60, 500)
    groups = Bucketing(32).in_order_of_length(lengths)
    ordered = [int(lengths[row]) for group in groups for row in group.rows]
    assert ordered == sorted(ordered)


def test_bucketing_saves_most_padding() -> None:
    lengths = np.random.default_rng(0).geometric(0.06, 20_000)
    rows = np.arange(20_000)
    unsorted = [Group(rows[s : s + 64], int(lengths[s : s + 64].max())) for s in rows[::64]]
    assert padding_share(unsorted, lengths) > 0.6
    assert padding_share(Bucketing(64).shuffle(lengths, (0, 0)), lengths) < 0.1


@given(bucketing=bucketings, lengths=some_lengths, seed=seeds)
def test_padding_share_equals_count_of_padding_tokens(
    bucketing: Bucketing, lengths: np.ndarray, seed: tuple[int, int]
) -> None:
    groups = bucketing.shuffle(lengths, seed)
    positions = padded = 0
    for group in groups:
        for row in group.rows:
            positions += group.time
            padded += group.time - int(lengths[row])
    assert padding_share(groups, lengths) == pytest.approx(padded / positions if positions else 0.0)


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=6, unique=True).map(sorted),
    st.sampled_from([",", ", ", " ,"]),
)
def test_parse_boundaries(numbers: list[int], comma: str) -> None:
    assert parse_boundaries(comma.join(map(str, numbers))) == tuple(numbers)


@pytest.mark.parametrize("text", ["", "ten", "10,", "10,10", "100,10", "0,5", "-3", "1.5", "5;9"])
def test_invalid_boundaries_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="ascending whole numbers"):
        parse_boundaries(text)


@pytest.mark.parametrize("sizes", [(None, None), (64, 1000)])
def test_exactly_one_size_is_required(sizes: tuple[int | None, int | None]) -> None:
    with pytest.raises(ConfigError, match="either batch_size or batch_tokens"):
        Bucketing(*sizes)


@given(
    lengths=some_lengths,
    batch_size=st.integers(1, 20),
    batch_tokens=st.integers(1, 200),
    enough=st.integers(1, 100),
)
def test_equal_length_groups_hold_every_row_once_within_limits(
    lengths: np.ndarray, batch_size: int, batch_tokens: int, enough: int
) -> None:
    limits = {"batch_size": batch_size, "batch_tokens": batch_tokens, "enough_tokens": enough}
    groups = group_equal_lengths(lengths, **limits)
    rows = [int(row) for group in groups for row in group.rows]
    assert sorted(rows) == list(range(len(lengths)))
    assert [int(n) for n in lengths[rows]] == sorted(lengths.tolist())
    for group in groups:
        assert 0 < len(group.rows) <= batch_size
        assert len(group.rows) == 1 or len(group.rows) * group.time <= batch_tokens
        assert group.time == max(1, int(lengths[group.rows].max()))
    for first, other in pairwise(groups):
        # a batch of several lengths was too small to stand alone before the longest of them came
        if first.time > max(1, int(lengths[first.rows].min())):
            shorter = [n for n in lengths[first.rows].tolist() if max(1, n) < first.time]
            assert len(shorter) * max(1, *shorter, 1) < enough
        assert other.time >= first.time


def test_equal_length_groups_have_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(3, 30, 8192)
    groups = group_equal_lengths(lengths, batch_size=256, batch_tokens=4096, enough_tokens=1024)
    assert padding_share(groups, lengths) < 0.01
    few = group_equal_lengths(lengths[:64], batch_size=256, batch_tokens=4096, enough_tokens=1024)
    assert len(few) <= 3
