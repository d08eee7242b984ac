"""Kernels without gradients give the outputs of those with gradients."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from munjang.layers.fast.bits import are_set, are_set_by_numpy, pack_bits
from munjang.layers.fast.convolution import TimeConvolution, concatenate_maps
from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.hashing import hash_ngrams, hash_ngrams_by_torch
from munjang.layers.masking import masked_max, masked_mean
from munjang.layers.recurrent import Cell, StackedRecurrent
from tests.synthetic import pad_rows, random_rows

pytestmark = pytest.mark.usefixtures("one_thread")
quick = settings(max_examples=40, deadline=None)
batches = st.builds(
    lambda rows, longest, seed: pad_rows(
        random_rows(rows, vocabulary=50, shortest=0, longest=longest, seed=seed)
    ),
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(0, 999),
)


@quick
@given(batch=batches, longest=st.integers(2, 6), buckets=st.sampled_from([7, 64, 1000, 2**22]))
def test_numpy_hashes_equal_torch(batch: tuple[Tensor, Tensor], longest: int, buckets: int) -> None:
    ids, mask = batch
    arguments = (ids * (2**40 + 1), mask.sum(1), longest, buckets)
    assert torch.equal(hash_ngrams(*arguments), hash_ngrams_by_torch(*arguments))


@quick
@given(positions=st.lists(st.integers(-64, 63), min_size=1), seed=st.integers(0, 99))
def test_numpy_bits_equal_torch(positions: list[int], seed: int) -> None:
    bits = pack_bits(torch.rand(64, generator=torch.Generator().manual_seed(seed)) < 0.5)
    result = are_set_by_numpy(bits, np.array(positions))
    assert result.tolist() == are_set(bits, torch.tensor(positions)).tolist()


@pytest.mark.parametrize("pool", [masked_max, masked_mean])
@quick
@given(batch=batches)
def test_pooling_without_gradient_equals_pooling_with_gradient(
    pool: Callable[[Tensor, Tensor], Tensor], batch: tuple[Tensor, Tensor]
) -> None:
    _, mask = batch
    states = torch.randn(*mask.shape, 5)
    expected = pool(states.clone().requires_grad_(), mask)
    with torch.inference_mode():
        assert torch.equal(pool(states, mask), expected)
    whole = pool(torch.cat([states, states[:, :1]], 1), torch.nn.functional.pad(mask, (0, 1)))
    torch.testing.assert_close(whole, expected)  # a place of padding more takes the other way


def test_sum_rows_without_gradient_equals_sum_rows_with_gradient() -> None:
    weight = torch.randn(9, 4)
    weight[0] = 0.0
    ids = torch.randint(0, 9, (5, 3))
    expected = sum_rows(weight.clone().requires_grad_(), ids)
    with torch.no_grad():
        assert torch.equal(sum_rows(weight, ids), expected)
        assert sum_rows(weight, ids[:0]).shape == (0, 4)


def test_concatenated_convolutions_equal_single_convolutions() -> None:
    layers = [TimeConvolution(6, 4, width) for width in (1, 2, 5)]
    states = torch.randn(3, 7, 6)
    expected = torch.cat([layer(states) for layer in layers], dim=-1)
    with torch.inference_mode():
        torch.testing.assert_close(concatenate_maps(layers, states), expected)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_fused_directions_equal_single_directions(
    cell: Cell, rows: int, layers: int, scale: float
) -> None:
    torch.manual_seed(0)
    stacked = StackedRecurrent(cell, 6, 8, layers=layers, directions=2).eval()
    for parameter in stacked.parameters():
        nn.init.normal_(parameter, std=0.4)
    states = torch.randn(rows, 9, 6) * scale  # gates that are open or shut to the last bit
    mask = torch.ones(rows, 9, dtype=torch.bool)
    expected = stacked(states.clone().requires_grad_(), mask)
    with torch.inference_mode():
        actual = stacked(states, mask)
        longer = stacked(
            torch.cat([states, states], 1), torch.cat([mask, torch.zeros_like(mask)], 1)
        )
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(longer[:, :9], actual, rtol=1e-5, atol=2e-6)


def _run_one_row(layer: StackedRecurrent, states: Tensor) -> tuple[Tensor, Tensor]:
    """Return the output for one row alone, and for it as one of two rows."""
    twice = torch.cat([states, states])
    mask = torch.ones(2, states.shape[1], dtype=torch.bool)
    with torch.inference_mode():
        return layer(states, mask[:1])[0], layer(twice, mask)[0]


@pytest.mark.parametrize("how", ["in place", "by an optimizer", "loaded", "copied"])
def test_single_row_follows_changed_weights(how: str) -> None:
    layer = StackedRecurrent("gru", 6, 8, directions=2).eval()
    other = StackedRecurrent("gru", 6, 8, directions=2).eval()
    states = torch.randn(1, 5, 6)
    before, _ = _run_one_row(layer, states)
    if how == "in place":
        with torch.no_grad():
            layer.get_parameter("backwards.0.bias_hh_l0").add_(1.0)
    elif how == "by an optimizer":
        layer.train()
        layer.get_parameter("forwards.0.weight_hh_l0").data.mul_(2.0)
        layer.eval()
    elif how == "loaded":
        layer.load_state_dict(other.state_dict(), assign=True)
    else:
        layer = copy.deepcopy(layer)
        layer.load_state_dict(other.state_dict())
    alone, among = _run_one_row(layer, states)
    torch.testing.assert_close(alone, among, rtol=1e-5, atol=2e-6)
    assert not torch.allclose(alone, before, atol=1e-3)
