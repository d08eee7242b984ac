"""Pooling by name, alone and joined; attention beside a plain loop."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.errors import ConfigError
from munjang.layers.attention import AttentionPooling
from munjang.layers.masking import (
    last_state,
    last_states,
    mask_from_lengths,
    masked_max,
    masked_mean,
    masked_softmax,
)
from munjang.layers.pooling import POOLINGS, Pooling

pytestmark = pytest.mark.usefixtures("one_thread")

DIM = 4
CONCATENATED = ["max+mean", "attention+max", "last+attention", "max+mean+last+attention"]


def make_states(lengths: list[int], extra: int = 1) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    mask = mask_from_lengths(torch.tensor(lengths), max(lengths) + extra)
    return torch.randn(*mask.shape, DIM), mask


@pytest.mark.parametrize("pooling", [*POOLINGS, *CONCATENATED])
@pytest.mark.parametrize("directions", [1, 2])
def test_output_dim_and_zeros_for_empty_row(pooling: str, directions: int) -> None:
    states, mask = make_states([3, 0, 5])
    layer = Pooling(pooling, DIM, directions=directions)
    pooled, weights = layer(states, mask)
    assert pooled.shape == (3, layer.dim) == (3, DIM * len(pooling.split("+")))
    assert not pooled[1].any()
    assert (weights is not None) == ("attention" in pooling)
    assert bool(layer.state_dict()) == ("attention" in pooling)


@pytest.mark.parametrize(("directions", "last"), [(1, last_state), (2, last_states)])
def test_concatenated_poolings_keep_their_order(directions: int, last: object) -> None:
    states, mask = make_states([3, 1, 5])
    layer = Pooling("last+attention+max+mean", DIM, directions=directions)
    attended, _ = layer.attention(states, mask)
    parts = [last(states, mask), attended, masked_max(states, mask), masked_mean(states, mask)]
    assert torch.equal(layer(states, mask)[0], torch.cat(parts, dim=1))


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        ("maximum", "unknown pooling 'maximum'; did you mean 'max'"),
        ("max+men", "did you mean 'mean'"),
        ("max+", "unknown pooling ''"),
        ("", "known: max, mean, last, first, attention"),
        ("mean+mean", "twice"),
    ],
)
def test_unknown_names_are_refused(pooling: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Pooling(pooling, DIM)
    assert message in str(caught.value)


@settings(max_examples=40)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=4), extra=st.integers(0, 3))
def test_attention_pooling_equals_loop(lengths: list[int], extra: int) -> None:
    states, mask = make_states(lengths, extra + (max(lengths) == 0))
    layer = AttentionPooling(DIM)
    pooled, weights = layer(states, mask)
    v, w, b = layer.query.weight[0], layer.keys.weight, layer.keys.bias
    for index, length in enumerate(lengths):
        scores = [math.exp((v @ torch.tanh(w @ h + b)).item()) for h in states[index, :length]]
        shares = torch.tensor([score / sum(scores) for score in scores])
        torch.testing.assert_close(weights[index, :length], shares, rtol=1e-4, atol=1e-6)
        assert not weights[index, length:].any()
        expected = sum((a * h for a, h in zip(shares, states[index], strict=False)), torch.zeros(4))
        torch.testing.assert_close(pooled[index], expected, rtol=1e-4, atol=1e-6)


def test_padding_affects_neither_values_nor_gradients() -> None:
    states, mask = make_states([3, 0, 5], 2)
    layer = AttentionPooling(DIM)
    other = torch.where(mask[..., None], states, 1e4).requires_grad_()
    pooled, _ = layer(other, mask)
    torch.testing.assert_close(pooled, layer(states, mask)[0])
    pooled.square().sum().backward()
    assert other.grad is not None
    assert not other.grad[~mask].any()
    for gradient in (other.grad, *(p.grad for p in layer.parameters())):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_masked_softmax_of_large_scores(dtype: torch.dtype) -> None:
    scores = torch.tensor([[1e4, -1e4, 0.0], [-3e4, -3e4, 3e4], [5.0, 6.0, 7.0]], dtype=dtype)
    mask = mask_from_lengths(torch.tensor([3, 2, 0]), 3)
    expected = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]], dtype=dtype)
    assert torch.equal(masked_softmax(scores, mask), expected)


def test_attention_pooling_learns_position() -> None:
    """The answer is one number of the marked place; a mean or maximum cannot give it."""
    torch.manual_seed(0)
    states, positions = torch.randn(256, 6, DIM), torch.randint(0, 6, (256,))
    marked = (torch.arange(256), positions)
    states[:, :, 1] = 0.0
    states[(*marked, 1)] = 1.0
    mask = torch.ones(states.shape[:2], dtype=torch.bool)
    layer = AttentionPooling(DIM)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (layer(states, mask)[0] - states[marked]).square().mean().backward()
        optimizer.step()
    _, weights = layer(states, mask)
    assert weights[marked].min() > 0.9
