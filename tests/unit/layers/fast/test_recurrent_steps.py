import pytest
import torch
from torch import Tensor, nn

from munjang.layers.fast.fused_recurrent import run_fused
from munjang.layers.fast.recurrent_steps import can_train, train_steps

CELLS = (nn.RNN, nn.GRU)
SHAPES = ((1, 1, 1, 1), (1, 7, 3, 5), (4, 1, 3, 2), (5, 9, 6, 4), (32, 64, 16, 24))


def gradients(outputs: tuple[Tensor, Tensor], layer: nn.Module, *inputs: Tensor) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    weighted = [(part * torch.randn(part.shape, generator=generator)).sum() for part in outputs]
    return list(torch.autograd.grad(sum(weighted), [*inputs, *layer.parameters()]))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("begins", [False, True])
def test_equal_to_pytorch_in_values_and_gradients(cell, shape, begins):
    batch, time, dim, hidden = shape
    torch.manual_seed(1)
    layer = cell(dim, hidden, batch_first=True)
    states = torch.randn(batch, time, dim, requires_grad=True)
    first = [torch.randn(1, batch, hidden, requires_grad=True)] if begins else []
    ours, theirs = train_steps(layer, states, *first), layer(states, *first)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)
    mine = gradients(ours, layer, states, *first)
    other = gradients(theirs, layer, states, *first)
    for one, two in zip(mine, other, strict=True):
        torch.testing.assert_close(one, two, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_finite_differences(cell):
    torch.manual_seed(2)
    layer = cell(3, 4, batch_first=True).double()
    states = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    first = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    weights = list(layer.parameters())
    assert torch.autograd.gradcheck(
        lambda states, first, *_: train_steps(layer, states, first), (states, first, *weights)
    )


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_that_is_read_alone_has_the_right_gradient(cell):
    """The gradient of the last state alone, as the analysis of memory asks for it."""
    torch.manual_seed(3)
    layer = cell(4, 6, batch_first=True)
    states = torch.randn(3, 8, 4, requires_grad=True)
    mine = torch.autograd.grad(train_steps(layer, states)[0][:, -1].sum(), states)[0]
    other = torch.autograd.grad(layer(states)[0][:, -1].sum(), states)[0]
    torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("cell", CELLS)
def test_no_gradient_for_inputs_that_need_none(cell):
    layer = cell(4, 6, batch_first=True)
    states = torch.randn(3, 8, 4)
    train_steps(layer, states)[0].sum().backward()
    assert states.grad is None
    assert all(parameter.grad is not None for parameter in layer.parameters())


@pytest.mark.parametrize("cell", CELLS)
def test_a_gradient_may_be_asked_for_twice(cell):
    layer = cell(4, 6, batch_first=True)
    states = torch.randn(3, 8, 4, requires_grad=True)
    total = train_steps(layer, states)[0].sum()
    once = torch.autograd.grad(total, states, retain_graph=True)[0]
    assert torch.equal(once, torch.autograd.grad(total, states)[0])


def test_taken_in_training_in_float32_alone():
    states = torch.randn(2, 3, 4)
    assert can_train(nn.GRU(4, 4), states)
    assert not can_train(nn.LSTM(4, 4), states)
    assert not can_train(nn.GRU(4, 4), states.double())
    assert not can_train(nn.GRU(4, 4), states[:, :0])
    with torch.no_grad():
        assert not can_train(nn.GRU(4, 4), states)
    with torch.autocast("cpu", torch.bfloat16):
        assert not can_train(nn.GRU(4, 4), states)


@pytest.mark.parametrize("cell", CELLS)
def test_run_fused_takes_it(cell):
    layer = cell(4, 6, batch_first=True)
    states = torch.randn(2, 3, 4)
    hidden, last = run_fused(layer, states)
    assert torch.equal(hidden, train_steps(layer, states)[0])
    assert torch.equal(last, hidden[:, -1][None])
