"""Masks and what is reduced over them, against plain loops."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers.fast.convolution import TimeConvolution
from munjang.layers.masking import (
    last_state,
    last_states,
    mask_from_lengths,
    masked_max,
    masked_mean,
    reverse_rows,
)

pytestmark = pytest.mark.usefixtures("one_thread")

lengths_of_rows = st.lists(st.integers(0, 6), min_size=1, max_size=6)
extra_places = st.integers(0, 3)


def make_states(lengths: list[int], extra: int, *, distinct: bool = True) -> tuple[Tensor, Tensor]:
    """Random states [batch, time, 4], rubbish at padding, with their mask."""
    torch.manual_seed(sum(lengths) + extra)
    time = max([1, *lengths]) + extra
    shape = (len(lengths), time, 4)
    states = torch.randn(shape) if distinct else torch.randint(-2, 3, shape).float()
    return states, mask_from_lengths(torch.tensor(lengths), time)


def reference_max(states: Tensor, lengths: list[int]) -> Tensor:
    """The maximum of each row's real places; `amax` shares a gradient evenly among ties."""
    rows = [
        row[:length].amax(0) if length else 0.0 * row[0]
        for row, length in zip(states, lengths, strict=True)
    ]
    return torch.stack(rows)


def test_mask_from_lengths() -> None:
    mask = mask_from_lengths(torch.tensor([0, 2, 3]), 3)
    assert mask.tolist() == [[False] * 3, [True, True, False], [True] * 3]
    assert mask_from_lengths(torch.tensor([2]), 5).sum() == 2


@settings(max_examples=60)
@given(lengths=lengths_of_rows, extra=extra_places, distinct=st.booleans())
def test_masked_max_equals_loop_in_values_and_gradients(
    lengths: list[int], extra: int, distinct: bool
) -> None:
    states, mask = make_states(lengths, extra, distinct=distinct)
    weights = torch.randn(len(lengths), 4)
    results = []
    for reduce in (lambda x: masked_max(x, mask), lambda x: reference_max(x, lengths)):
        given_states = states.clone().requires_grad_()
        highest = reduce(given_states)
        (highest * weights).sum().backward()
        results.append((highest.detach(), given_states.grad))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=0, atol=0)
    torch.testing.assert_close(results[0][1], results[1][1])


def test_masked_max_of_repeated_token_has_single_gradient() -> None:
    torch.manual_seed(0)
    convolve = TimeConvolution(3, 2, 1).double()
    row = torch.randn(1, 1, 3, dtype=torch.float64).expand(1, 30, 3)
    mask = torch.ones(1, 30, dtype=torch.bool)

    def peak(weight: Tensor) -> Tensor:
        states = torch.func.functional_call(convolve, {"weight": weight}, (row,))
        return masked_max(states, mask)

    weight = convolve.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(peak, (weight,))


@settings(max_examples=40)
@given(lengths=lengths_of_rows, extra=extra_places)
def test_masked_mean_and_last_state_equal_loop(lengths: list[int], extra: int) -> None:
    states, mask = make_states(lengths, extra)
    zero = torch.zeros(4)
    rows = list(zip(states, lengths, strict=True))
    means = torch.stack([row[:n].mean(0) if n else zero for row, n in rows])
    lasts = torch.stack([row[n - 1] if n else zero for row, n in rows])
    ended = torch.stack([torch.cat([row[n - 1, :2], row[0, 2:]]) if n else zero for row, n in rows])
    torch.testing.assert_close(masked_mean(states, mask), means)
    assert torch.equal(last_state(states, mask), lasts)
    assert torch.equal(last_states(states, mask), ended)


def test_padding_values_are_ignored() -> None:
    states, mask = make_states([2, 0, 4], 2)
    rubbish = states.masked_fill(~mask[..., None], float("nan"))
    for reduce in (masked_mean, masked_max, last_state, last_states):
        assert torch.equal(reduce(rubbish, mask), reduce(states, mask)), reduce.__name__


@settings(max_examples=40)
@given(lengths=lengths_of_rows, extra=extra_places)
def test_reverse_rows_reverses_within_length(lengths: list[int], extra: int) -> None:
    states, mask = make_states(lengths, extra)
    reversed_ = reverse_rows(states, mask)
    for row, was, length in zip(reversed_, states, lengths, strict=True):
        assert torch.equal(row[:length], was[:length].flip(0))
        assert torch.equal(row[length:], was[length:])
    assert torch.equal(reverse_rows(reversed_, mask), states)
