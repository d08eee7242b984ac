"""The k highest by blocks are those of a plain sort, ties and all."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.decoding.top_k import top_k

pytestmark = pytest.mark.usefixtures("one_thread")


@settings(max_examples=150)
@given(
    rows=st.integers(1, 4),
    positions=st.integers(1, 1500),
    k=st.integers(1, 12),
    kinds=st.sampled_from([1, 2, 5, 50, 10**6]),
    forbidden=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_top_k_equals_stable_sort(
    rows: int, positions: int, k: int, kinds: int, forbidden: float, seed: int
) -> None:
    """With one value only, with few, with -inf almost everywhere; both with and without blocks."""
    k = min(k, positions)
    drawn = torch.Generator().manual_seed(seed)
    values = torch.randint(-kinds, kinds, (rows, positions), generator=drawn) / 7
    values[torch.rand(values.shape, generator=drawn) < forbidden] = -math.inf
    ours, where = top_k(values, k)
    theirs, expected = values.sort(dim=1, descending=True, stable=True)
    assert torch.equal(ours, theirs[:, :k])
    assert torch.equal(where, expected[:, :k])


def test_negative_zero_equals_zero() -> None:
    _, where = top_k(torch.tensor([[-0.0, 0.0, -1.0, -0.0]]), 3)
    assert where.tolist() == [[0, 1, 3]]


def test_top_k_of_three_dimensions() -> None:
    values = torch.randn(2, 3, 4000)
    ours, where = top_k(values, 5)
    assert torch.equal(ours, values.topk(5).values)
    assert torch.equal(values.gather(2, where), ours)
