"""Attention: the formula by plain loops, the two paths against each other and against PyTorch's."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from munjang.layers.attention import SelfAttention, attend, attend_with_weights, visible_keys
from munjang.layers.masking import mask_from_lengths
from munjang.layers.position import rotary_tables

pytestmark = pytest.mark.usefixtures("one_thread")

lengths_of_rows = st.lists(st.integers(1, 7), min_size=1, max_size=5)
TOLERANCES = {
    torch.float32: {"atol": 1e-5, "rtol": 1e-4},
    torch.float64: {"atol": 1e-12, "rtol": 1e-9},
}


def reference_attention(
    q: Tensor, k: Tensor, v: Tensor, length: int
) -> tuple[list[list[float]], Tensor]:
    """Weights and values of one head, [time, width] each, a number at a time."""
    rows, taken = [], torch.zeros_like(v)
    for i in range(len(q)):
        scores = [
            sum(float(a * b) for a, b in zip(q[i], k[j], strict=True)) / math.sqrt(q.shape[1])
            for j in range(length)
        ]
        shares = [math.exp(score - max(scores)) for score in scores]
        rows.append([share / sum(shares) for share in shares] + [0.0] * (len(q) - length))
        for j in range(length):
            taken[i] += rows[-1][j] * v[j]
    return rows, taken


def make_heads(
    lengths: list[int], extra: int, dtype: torch.dtype, seed: int
) -> tuple[list[Tensor], Tensor]:
    """Queries, keys, values [batch, 2, time, 3] that want gradients, and the mask."""
    torch.manual_seed(seed)
    mask = mask_from_lengths(torch.tensor(lengths), max(lengths) + extra)
    parts = [torch.randn(len(mask), 2, mask.shape[1], 3, dtype=dtype) for _ in range(3)]
    return [part.requires_grad_() for part in parts], mask


@settings(max_examples=20)
@given(lengths=lengths_of_rows, extra=st.integers(0, 2), seed=st.integers(0, 99))
def test_attend_with_weights_equals_formula(lengths: list[int], extra: int, seed: int) -> None:
    (q, k, v), mask = make_heads(lengths, extra, torch.float64, seed)
    taken, weights = attend_with_weights(q, k, v, visible_keys(mask))
    for row, length in enumerate(lengths):
        for head in range(2):
            parts = (x[row, head].detach() for x in (q, k, v))
            expected_weights, expected = reference_attention(*parts, length)
            torch.testing.assert_close(taken[row, head], expected)
            torch.testing.assert_close(weights[row, head], torch.tensor(expected_weights).double())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=20)
@given(lengths=lengths_of_rows, extra=st.integers(0, 2), seed=st.integers(0, 99))
def test_attend_equals_attend_with_weights_in_values_and_gradients(
    dtype: torch.dtype, lengths: list[int], extra: int, seed: int
) -> None:
    parts, mask = make_heads(lengths, extra, dtype, seed)
    twins = [part.detach().clone().requires_grad_() for part in parts]
    visible = visible_keys(mask)
    fused, (written, _) = attend(*parts, visible), attend_with_weights(*twins, visible)
    torch.testing.assert_close(fused, written, **TOLERANCES[dtype])
    output_weights = torch.randn_like(fused)
    (fused * output_weights).sum().backward()
    (written * output_weights).sum().backward()
    for part, twin in zip(parts, twins, strict=True):
        torch.testing.assert_close(part.grad, twin.grad, **TOLERANCES[dtype])


def test_visible_keys_is_none_without_padding() -> None:
    assert visible_keys(torch.ones(2, 3, dtype=torch.bool)) is None
    visible = visible_keys(mask_from_lengths(torch.tensor([0, 1, 3]), 3))
    assert visible is not None
    assert visible.shape == (3, 1, 1, 3)
    # a row of nothing looks at its first place, or it would be a softmax over nothing
    assert visible[:, 0, 0].tolist() == [[True, False, False], [True, False, False], [True] * 3]


def test_empty_row_has_finite_values_and_gradients() -> None:
    attention = SelfAttention(6, 2)
    states = torch.randn(2, 3, 6, requires_grad=True)
    visible = visible_keys(mask_from_lengths(torch.tensor([0, 2]), 3))
    for taken in (attention(states, visible), attention.forward_with_attention(states, visible)[0]):
        assert taken.isfinite().all()
        taken.square().sum().backward()
    for gradient in [states.grad, *(p.grad for p in attention.parameters())]:
        assert gradient is not None
        assert gradient.isfinite().all()


@settings(max_examples=15)
@given(lengths=lengths_of_rows, extra=st.integers(0, 2), heads=st.sampled_from([1, 2, 4]))
def test_self_attention_equals_multihead_attention(
    lengths: list[int], extra: int, heads: int
) -> None:
    torch.manual_seed(heads)
    ours = SelfAttention(8, heads)
    theirs = nn.MultiheadAttention(8, heads, bias=False, batch_first=True)
    theirs.in_proj_weight.data = ours.in_proj.weight.detach().clone()
    theirs.out_proj.weight.data = ours.out_proj.weight.detach().clone()
    mask = mask_from_lengths(torch.tensor(lengths), max(lengths) + extra)
    states = torch.randn(*mask.shape, 8, requires_grad=True)
    twin = states.detach().clone().requires_grad_()
    taken, weights = ours.forward_with_attention(states, visible_keys(mask))
    expected, expected_weights = theirs(
        twin, twin, twin, key_padding_mask=~mask, average_attn_weights=False
    )
    torch.testing.assert_close(taken, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(weights, expected_weights, atol=1e-5, rtol=1e-4)
    output_weights = torch.randn_like(taken)
    (ours(states, visible_keys(mask)) * output_weights).sum().backward()
    (expected * output_weights).sum().backward()
    torch.testing.assert_close(states.grad, twin.grad, atol=1e-5, rtol=1e-4)
    for mine, other in [
        (ours.in_proj.weight, theirs.in_proj_weight),
        (ours.out_proj.weight, theirs.out_proj.weight),
    ]:
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("rotary", [False, True])
def test_gradcheck(rotary: bool) -> None:
    torch.manual_seed(0)
    attention = SelfAttention(8, 2).double()
    visible = visible_keys(mask_from_lengths(torch.tensor([3, 2, 0]), 3))
    states = torch.randn(3, 3, 8, dtype=torch.float64, requires_grad=True)
    rotary_tables_ = rotary_tables(3, 4, states) if rotary else None
    weights = [attention.in_proj.weight, attention.out_proj.weight]
    assert torch.autograd.gradcheck(
        lambda x, *_: attention(x, visible, rotary_tables_), (states, *weights)
    )


def test_each_projection_is_initialized_separately() -> None:
    torch.manual_seed(0)
    dim = 64
    weight = SelfAttention(dim, 4).in_proj.weight.detach()
    bound = math.sqrt(6 / (dim + dim))
    assert 0.97 * bound < float(weight.abs().max()) <= bound
    assert float(weight.std()) == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_dim_not_divisible_by_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="is no multiple of heads"):
        SelfAttention(10, 4)
