"""Places: the papers' formulas by plain loops, and what follows from them."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers.masking import mask_from_lengths
from munjang.layers.position import (
    LearnedPositions,
    SinusoidalPositions,
    apply_rotary,
    position_angles,
    rotary_tables,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def reference_sinusoids(time: int, dim: int) -> Tensor:
    """P of Vaswani et al. (2017), section 3.5, a number at a time."""
    result = torch.zeros(time, dim, dtype=torch.float64)
    for t in range(time):
        for index in range(dim):
            angle = t / 10_000 ** ((index - index % 2) / dim)
            result[t, index] = math.cos(angle) if index % 2 else math.sin(angle)
    return result


def reference_rotary(x: Tensor) -> Tensor:
    """`x` [time, width], each pair times its rotation matrix: Su et al. (2021), equation 34."""
    time, width = x.shape
    result = torch.zeros_like(x)
    for t in range(time):
        for pair in range(width // 2):
            angle = t * 10_000 ** (-2 * pair / width)
            c, s = math.cos(angle), math.sin(angle)
            both = x[t, [pair, pair + width // 2]]
            matrix = torch.tensor([[c, -s], [s, c]], dtype=x.dtype)
            result[t, [pair, pair + width // 2]] = matrix @ both
    return result


@pytest.mark.parametrize("dim", [1, 2, 7, 16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sinusoids_equal_formula(dim: int, dtype: torch.dtype) -> None:
    vectors = torch.randn(2, 9, dim, dtype=dtype)
    added = SinusoidalPositions()(vectors, torch.ones(2, 9, dtype=torch.bool)) - vectors
    assert added.dtype == dtype
    torch.testing.assert_close(
        added, reference_sinusoids(9, dim).to(dtype).expand_as(added), atol=1e-6, rtol=0
    )


def test_sinusoids_are_scaled() -> None:
    vectors, mask = torch.zeros(1, 9, 6), torch.ones(1, 9, dtype=torch.bool)
    small, whole = (SinusoidalPositions(scale)(vectors, mask) for scale in (0.1, 1.0))
    torch.testing.assert_close(small, 0.1 * whole)
    assert float(whole.max()) == pytest.approx(1.0)


def test_sinusoids_of_far_positions_are_precise() -> None:
    added = SinusoidalPositions()(torch.zeros(1, 50_000, 4), torch.ones(1, 50_000).bool())
    assert float(added[0, -1, 0]) == pytest.approx(math.sin(49_999), abs=1e-6)


def test_learned_positions_are_added_and_trained() -> None:
    positions = LearnedPositions(5, 3)
    vectors = torch.randn(2, 4, 3)
    mask = mask_from_lengths(torch.tensor([4, 2]), 4)
    result = positions(vectors, mask)
    assert torch.equal(result, vectors + positions.weight[:4])
    result.sum().backward()
    assert positions.weight.grad is not None
    assert positions.weight.grad.sum(1).tolist() == [6.0] * 4 + [0.0]


@pytest.mark.parametrize(("longest_row", "time"), [(5, 5), (5, 6), (4, 9), (0, 7)])
def test_padding_may_exceed_learned_positions(longest_row: int, time: int) -> None:
    positions = LearnedPositions(5, 3)
    mask = mask_from_lengths(torch.tensor([longest_row, 1]), time)
    result = positions(torch.zeros(2, time, 3), mask)
    assert torch.equal(result[0, : min(time, 5)], positions.weight[:time])
    assert not result[0, 5:].any()


def test_token_beyond_learned_positions_is_an_error() -> None:
    mask = mask_from_lengths(torch.tensor([2, 6]), 8)
    with pytest.raises(ValueError, match="a text of 6 tokens, but learned positions for 5"):
        LearnedPositions(5, 3)(torch.zeros(2, 8, 3), mask)


@settings(max_examples=20)
@given(time=st.integers(1, 12), pairs=st.integers(1, 5), seed=st.integers(0, 99))
def test_rotary_equals_rotation_matrices(time: int, pairs: int, seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.randn(2, 3, time, 2 * pairs, dtype=torch.float64)
    result = apply_rotary(x, rotary_tables(time, 2 * pairs, x))
    for row in range(2):
        for head in range(3):
            torch.testing.assert_close(result[row, head], reference_rotary(x[row, head]))
    torch.testing.assert_close(result.norm(dim=-1), x.norm(dim=-1))


@settings(max_examples=20)
@given(first=st.integers(0, 10), second=st.integers(0, 10), shift=st.integers(1, 40))
def test_rotary_score_depends_on_distance_only(first: int, second: int, shift: int) -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 8, dtype=torch.float64)
    tables = rotary_tables(60, 8, query)
    turned_queries, turned_keys = (apply_rotary(x.expand(60, 8), tables) for x in (query, key))
    near = turned_queries[first] @ turned_keys[second]
    far = turned_queries[first + shift] @ turned_keys[second + shift]
    torch.testing.assert_close(near, far)
    other = turned_queries[first] @ turned_keys[second + shift]
    assert abs(float(near - other)) > 1e-9


@pytest.mark.parametrize(("first", "time"), [(0, 3), (5, 1), (250, 6), (251, 6), (300, 2)])
def test_rotary_tables_of_later_places_are_rows_of_all_angles(first: int, time: int) -> None:
    tables = rotary_tables(time, 6, torch.zeros(1), first)
    angles = position_angles(first + time, 6, torch.device("cpu"))[first:]
    torch.testing.assert_close(tables.cos, angles.cos().float(), rtol=0, atol=0)
    torch.testing.assert_close(tables.sin, angles.sin().float(), rtol=0, atol=0)
