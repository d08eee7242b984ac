"""A stack is PyTorch's own, packed, and the written-out steps: in values and gradients."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from munjang.layers.cells import gru_step, lstm_step, rnn_step, weights_of
from munjang.layers.masking import mask_from_lengths
from munjang.layers.recurrent import StackedRecurrent

pytestmark = pytest.mark.usefixtures("one_thread")

DIM, HIDDEN = 5, 4
# the framework's stack, the written-out step, and how many tensors its state has
CELLS: dict[str, tuple[type[nn.RNNBase], Callable[..., Any], int]] = {
    "rnn": (nn.RNN, rnn_step, 1),
    "lstm": (nn.LSTM, lstm_step, 2),
    "gru": (nn.GRU, gru_step, 1),
}
every_cell = pytest.mark.parametrize("cell", CELLS)
every_stack = pytest.mark.parametrize(
    ("cell", "layers", "directions"),
    [(cell, layers, both) for cell in CELLS for layers in (1, 2, 3) for both in (1, 2)],
)
any_lengths = given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5), extra=st.integers(0, 3)
)


def pair_parameters(
    ours: StackedRecurrent, theirs: nn.RNNBase
) -> list[tuple[nn.Parameter, nn.Parameter]]:
    """Each of our parameters beside the one of the framework's stack that it stands for."""
    result = []
    for suffix, stack in (("", ours.forwards), ("_reverse", ours.backwards)):
        for number, layer in enumerate(stack):
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                mine = getattr(layer, f"{kind}_l0")
                result.append((mine, getattr(theirs, f"{kind}_l{number}{suffix}")))
    return result


def run_packed(stack: nn.RNNBase, states: Tensor, lengths: list[int]) -> Tensor:
    rows = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(stack(rows)[0], batch_first=True, total_length=states.shape[1])[0]


def run_steps(cell: str, layer: nn.RNNBase, states: Tensor) -> Tensor:
    """Hidden states of one row, [time, dim] to [time, hidden], a step at a time."""
    _, step, tensors = CELLS[cell]
    state = (torch.zeros(1, HIDDEN),) * tensors
    hidden = []
    for x in states.split(1):
        after = step(x, *state, weights_of(layer))
        state = after if tensors == 2 else (after,)
        hidden.append(state[0])
    return torch.cat(hidden)


def reference_stack(
    cell: str, stack: StackedRecurrent, states: Tensor, lengths: list[int]
) -> Tensor:
    """The whole stack row by row, without batches, masks or fused layers."""
    rows = []
    for row, length in zip(states, lengths, strict=True):
        below = row[:length]
        for layer, ahead in enumerate(stack.forwards):
            views = [run_steps(cell, ahead, below)]
            if stack.backwards:
                views.append(run_steps(cell, stack.backwards[layer], below.flip(0)).flip(0))
            below = torch.cat(views, dim=1)
        rows.append(nn.functional.pad(below, (0, 0, 0, len(row) - length)))
    return torch.stack(rows)


def make_states(lengths: list[int], extra: int) -> tuple[Tensor, Tensor]:
    mask = mask_from_lengths(torch.tensor(lengths), max(lengths) + extra)
    return torch.randn(*mask.shape, DIM, requires_grad=True), mask


@every_stack
@settings(max_examples=8)
@any_lengths
def test_stack_equals_pytorch_on_packed_rows(
    cell: str, layers: int, directions: int, lengths: list[int], extra: int
) -> None:
    torch.manual_seed(layers)
    ours = StackedRecurrent(cell, DIM, HIDDEN, layers=layers, directions=directions)
    theirs = CELLS[cell][0](
        DIM, HIDDEN, num_layers=layers, bidirectional=directions == 2, batch_first=True
    )
    for mine, other in pair_parameters(ours, theirs):
        other.data = mine.detach().clone()
    states, mask = make_states(lengths, extra)
    twin = states.detach().clone().requires_grad_()
    actual = ours(states, mask).masked_fill(~mask[..., None], 0.0)
    expected = run_packed(theirs, twin, lengths)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(actual)
    (actual * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(states.grad, twin.grad, rtol=1e-4, atol=1e-5)
    for mine, other in pair_parameters(ours, theirs):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-5)


@every_stack
@settings(max_examples=5)
@any_lengths
def test_stack_equals_reference_steps(
    cell: str, layers: int, directions: int, lengths: list[int], extra: int
) -> None:
    torch.manual_seed(layers)
    stack = StackedRecurrent(cell, DIM, HIDDEN, layers=layers, directions=directions)
    states, mask = make_states(lengths, extra)
    actual = stack(states, mask).masked_fill(~mask[..., None], 0.0)
    expected = reference_stack(cell, stack, states, lengths)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(actual)
    inputs = [states, *stack.parameters()]
    mine = torch.autograd.grad((actual * weights).sum(), inputs)
    other = torch.autograd.grad((expected * weights).sum(), inputs)
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@every_cell
def test_dropout_is_between_layers_in_training_only(cell: str) -> None:
    torch.manual_seed(0)
    mask = torch.ones(2, 6, dtype=torch.bool)
    states = torch.randn(2, 6, DIM)
    single = StackedRecurrent(cell, DIM, HIDDEN, layers=1, dropout=0.5)
    assert torch.equal(single(states, mask), single(states, mask))
    double = StackedRecurrent(cell, DIM, HIDDEN, layers=2, dropout=0.5)
    assert not torch.equal(double(states, mask), double(states, mask))
    double.eval()
    assert torch.equal(double(states, mask), double(states, mask))


@pytest.mark.parametrize("variational", [True, False])
def test_variational_dropout_keeps_mask_over_time(variational: bool) -> None:
    torch.manual_seed(0)
    stack = StackedRecurrent("gru", DIM, 50, layers=2, dropout=0.5, variational=variational)
    seen: list[Tensor] = []
    stack.forwards[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0] == 0))
    stack(torch.randn(3, 6, DIM), torch.ones(3, 6, dtype=torch.bool))
    first, *others = seen[0].unbind(1)
    assert all(torch.equal(first, other) for other in others) == variational
    assert not torch.equal(first[0], first[1]), "rows share their mask"


@every_cell
def test_single_direction_is_causal(cell: str) -> None:
    torch.manual_seed(0)
    stack = StackedRecurrent(cell, DIM, HIDDEN, layers=2, directions=1)
    states = torch.randn(1, 6, DIM)
    changed = states.clone()
    changed[:, 4:] += 1.0
    mask = torch.ones(1, 6, dtype=torch.bool)
    before, after = stack(states, mask), stack(changed, mask)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4:], after[:, 4:])
