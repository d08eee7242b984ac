"""Batches of pairs: every token of both sides, in its row, and nothing else."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.buckets import Bucketing, padding_share
from munjang.data.pairs.dataset import PairDataset
from munjang.text.columns import token_column
from munjang.text.vocabulary import EOS, GO, PAD

sides = st.lists(st.lists(st.integers(4, 99), max_size=12), min_size=1, max_size=30)


def make_column(rows: list[list[int]]) -> object:
    return token_column([t for row in rows for t in row], np.cumsum([0, *map(len, rows)]))


def make_dataset(pairs: list[tuple[list[int], list[int]]]) -> PairDataset:
    return PairDataset(make_column([s for s, _ in pairs]), make_column([t for _, t in pairs]))


pairs_of_rows = st.lists(
    st.tuples(st.lists(st.integers(4, 99), max_size=12), st.lists(st.integers(4, 99), max_size=12)),
    min_size=1,
    max_size=30,
)


@given(pairs=pairs_of_rows, budget=st.integers(1, 60), seed=st.integers(0, 5))
def test_batches_hold_each_pair_once(
    pairs: list[tuple[list[int], list[int]]], budget: int, seed: int
) -> None:
    data = make_dataset(pairs)
    seen: dict[int, tuple[list[int], list[int]]] = {}
    for batch in data.batches(Bucketing(None, budget).shuffle(data.lengths, (seed,))):
        assert batch.targets is not None
        follow = iter(batch.targets.tolist())
        for row, source, mask, read, real in zip(
            batch.rows.tolist(),
            batch.source,
            batch.source_mask,
            batch.decoder_inputs,
            batch.decoder_mask,
            strict=True,
        ):  # fmt: skip
            words = read[real].tolist()
            expected = [next(follow) for _ in words]
            assert words[0] == GO
            assert expected == [*words[1:], EOS]
            assert not source[~mask].any()
            assert not read[~real].any()
            seen[row] = (source[mask].tolist(), words[1:])
        assert list(follow) == []
        assert batch.size == len(batch.targets)
    assert [seen[row] for row in range(len(pairs))] == pairs


@given(pairs=pairs_of_rows, budget=st.integers(1, 60))
def test_batches_respect_token_budget(
    pairs: list[tuple[list[int], list[int]]], budget: int
) -> None:
    data = make_dataset(pairs)
    for batch in data.batches(Bucketing(None, budget).shuffle(data.lengths, (0,))):
        rows, longest = batch.decoder_inputs.shape
        assert max(longest, batch.source.shape[1]) * rows <= budget or rows == 1
        assert batch.source_mask.any(0).all() or not batch.source_mask.any()
        assert batch.decoder_mask.any(0).all()


@given(pairs=pairs_of_rows)
def test_padding_share_equals_padding_of_batches(
    pairs: list[tuple[list[int], list[int]]],
) -> None:
    data = make_dataset([(s or [4], t) for s, t in pairs])
    groups = Bucketing(4).shuffle(data.lengths, (0,))
    positions = real = 0
    for batch in data.batches(groups):
        positions += batch.source.numel() + batch.decoder_inputs.numel()
        real += int(batch.source_mask.sum()) + int(batch.decoder_mask.sum())
    assert abs(padding_share(groups, data.lengths) - (1 - real / positions)) < 1e-12


def test_pairs_of_similar_length_are_batched_together() -> None:
    """Padding of 9 in 100 on real lengths: sorted by one side alone it is 20 and more."""
    random = np.random.default_rng(0)
    lengths = random.integers(3, 30, 3000)
    pairs = [([4] * int(n), [4] * int(n + random.integers(-2, 5))) for n in lengths]
    data = make_dataset(pairs)
    groups = Bucketing(None, 1024).shuffle(data.lengths, (0,))
    assert padding_share(groups, data.lengths) < 0.12


def test_first_and_sources_in_order_of_length() -> None:
    data = make_dataset([([4, 5], [6]), ([7], [8, 9]), ([], [])])
    assert len(data.first(2)) == 2
    rows = [batch.rows.tolist() for batch in data.sources_in_order_of_length(2)]
    assert rows == [[2, 1], [0]]
    assert torch.equal(next(data.sources_in_order_of_length(1)).ids, torch.tensor([[PAD]]))
