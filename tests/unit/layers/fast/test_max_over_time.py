"""The sparse maximum of convolutions is the dense one, in values and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.layers.fast.convolution import TimeConvolution
from munjang.layers.fast.max_over_time import max_over_time
from munjang.layers.masking import mask_from_lengths, masked_max

pytestmark = pytest.mark.usefixtures("one_thread")


@settings(max_examples=100)
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5),
    widths=st.lists(st.integers(1, 8), min_size=1, max_size=4),
    repeated=st.booleans(),
    dropped=st.booleans(),
    seed=st.integers(0, 9),
)
def test_max_over_time_equals_dense_maximum(
    lengths: list[int], widths: list[int], repeated: bool, dropped: bool, seed: int
) -> None:
    """Also with ties (one vector said many times), gaps in the gradient, and empty rows."""
    torch.manual_seed(seed)
    mask = mask_from_lengths(torch.tensor(lengths), max(lengths) + 1)
    states = torch.randn(*mask.shape, 3).masked_fill(~mask[..., None], 0.0)
    if repeated:
        states = torch.ones(3).expand(*mask.shape, 3) * mask[..., None]
    convolutions = [TimeConvolution(3, 2 + index, width) for index, width in enumerate(widths)]
    ours_in, theirs_in = (states.clone().requires_grad_() for _ in range(2))
    ours = max_over_time(convolutions, ours_in, mask)
    theirs = masked_max(torch.cat([c(theirs_in) for c in convolutions], dim=-1), mask)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)
    if dropped:
        weights[:, ::2] = 0.0
    parameters = [p for c in convolutions for p in c.parameters()]
    mine = torch.autograd.grad((ours * weights).sum(), [ours_in, *parameters])
    other = torch.autograd.grad((theirs * weights).sum(), [theirs_in, *parameters])
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
