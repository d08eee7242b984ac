"""TimeConvolution is nn.Conv1d with 'same' padding, in values and gradients."""

import pytest
import torch
from torch import nn

from munjang.layers.fast.convolution import TimeConvolution

pytestmark = pytest.mark.usefixtures("one_thread")


def to_conv1d(convolve: TimeConvolution) -> nn.Conv1d:
    """The framework's convolution with the same weights."""
    width, dim, filters = convolve.weight.shape
    conv = nn.Conv1d(dim, filters, width, padding="same")
    conv.weight.data = convolve.weight.detach().permute(2, 1, 0).clone()
    conv.bias.data = convolve.bias.detach().clone()
    return conv


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize(("batch", "time"), [(1, 1), (1, 7), (3, 1), (4, 2), (5, 9)])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_forward_equals_conv1d(width: int, batch: int, time: int) -> None:
    torch.manual_seed(width)
    convolve = TimeConvolution(6, 4, width)
    conv = to_conv1d(convolve)
    states = torch.randn(batch, time, 6, requires_grad=True)
    theirs_in = states.detach().clone().requires_grad_()
    ours = convolve(states)
    theirs = conv(theirs_in.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(ours)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    assert conv.weight.grad is not None
    for mine, other in (
        (states.grad, theirs_in.grad),
        (convolve.weight.grad, conv.weight.grad.permute(2, 1, 0)),
        (convolve.bias.grad, conv.bias.grad),
    ):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_gradcheck() -> None:
    torch.manual_seed(0)
    convolve = TimeConvolution(2, 3, 4).double()
    states = torch.randn(2, 5, 2, dtype=torch.float64, requires_grad=True)

    def by_all(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(convolve, {"weight": weight, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(by_all, (states, convolve.weight, convolve.bias))


def test_rows_of_batch_are_independent() -> None:
    torch.manual_seed(0)
    convolve = TimeConvolution(3, 2, 6)
    states = torch.randn(4, 5, 3)
    alone = torch.cat([convolve(row[None]) for row in states])
    torch.testing.assert_close(convolve(states), alone)


def test_even_kernel_reads_one_more_token_to_the_right() -> None:
    convolve = TimeConvolution(1, 1, 2)
    convolve.weight.data = torch.tensor([1.0, 10.0]).view(2, 1, 1)
    convolve.bias.data.zero_()
    states = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1)
    assert convolve(states).flatten().tolist() == [21.0, 32.0, 3.0]
