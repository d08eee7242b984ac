"""Final states of recurrent layers, against packing and against each row alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from munjang.layers.fast.final_states import run_with_final_states
from munjang.layers.masking import mask_from_lengths
from munjang.layers.recurrent import StackedRecurrent

pytestmark = pytest.mark.usefixtures("one_thread")

DIM, HIDDEN = 5, 4
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
every_cell = pytest.mark.parametrize("cell", CELLS)
some_lengths = given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5), extra=st.integers(0, 3)
)


def make_states(lengths: list[int], extra: int = 0, loud: float = 3.0) -> tuple[Tensor, Tensor]:
    """States, loud at padding too, which must not matter, and their mask."""
    time = max(lengths) + extra
    states = torch.randn(len(lengths), time, DIM, requires_grad=True)
    return states * loud, mask_from_lengths(torch.tensor(lengths), time)


def packed_final_states(layer: nn.RNNBase, states: Tensor, lengths: list[int]) -> Tensor:
    rows = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
    _, ends = layer(rows)
    parts = ends if isinstance(ends, tuple) else (ends,)
    return torch.stack([part[0] for part in parts], dim=1)


@every_cell
@settings(max_examples=20)
@some_lengths
def test_final_states_equal_packed_sequence(cell: str, lengths: list[int], extra: int) -> None:
    torch.manual_seed(len(lengths))
    layer = CELLS[cell](DIM, HIDDEN, batch_first=True)
    states, mask = make_states(lengths, extra)
    outputs, ends = run_with_final_states(layer, states, mask)
    expected = packed_final_states(layer, states, lengths)
    torch.testing.assert_close(ends, expected)
    torch.testing.assert_close(outputs[mask], layer(states)[0][mask])
    weights = torch.randn_like(ends)
    inputs = [states, *layer.parameters()]
    mine = torch.autograd.grad((ends * weights).sum(), inputs)
    other = torch.autograd.grad((expected * weights).sum(), inputs)
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_lstm_cell_state_is_unchanged_by_padding() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(DIM, HIDDEN, batch_first=True)
    states, mask = make_states([3, 3], extra=40, loud=30.0)
    _, ends = run_with_final_states(layer, states, mask)
    _, alone = run_with_final_states(layer, states[:, :3], mask[:, :3])
    assert torch.equal(ends, alone)


@every_cell
def test_empty_row_ends_with_zeros(cell: str) -> None:
    torch.manual_seed(0)
    layer = CELLS[cell](DIM, HIDDEN, batch_first=True)
    states, mask = make_states([0, 2, 0], extra=2)
    _, ends = run_with_final_states(layer, states, mask)
    assert not ends[[0, 2]].any()
    assert ends[1].abs().min() > 0
    ends.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


@every_cell
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("directions", [1, 2])
def test_stack_final_states_equal_single_rows(cell: str, layers: int, directions: int) -> None:
    torch.manual_seed(layers)
    stack = StackedRecurrent(cell, DIM, HIDDEN, layers=layers, directions=directions)
    lengths = [3, 1, 6, 5]
    states, mask = make_states(lengths, extra=2)
    outputs, ends = stack.forward_with_final_states(states, mask)
    assert torch.equal(outputs[mask], stack(states, mask)[mask])
    assert ends.shape == (4, layers, 2 if cell == "lstm" else 1, HIDDEN * directions)
    for row, length in enumerate(lengths):
        below = states[row : row + 1, :length]
        for layer in range(layers):
            views, tails = [], []
            for stacked in (stack.forwards, stack.backwards)[:directions]:
                back = stacked is stack.backwards
                out, end = stacked[layer](below.flip(1) if back else below)
                views.append(out.flip(1) if back else out)
                parts = end if isinstance(end, tuple) else (end,)
                tails.append(torch.stack([part[0, 0] for part in parts]))
            below = torch.cat(views, dim=-1)
            torch.testing.assert_close(ends[row, layer], torch.cat(tails, dim=-1))


@every_cell
def test_dropout_is_between_layers(cell: str) -> None:
    torch.manual_seed(0)
    states, mask = make_states([4, 2])
    single = StackedRecurrent(cell, DIM, HIDDEN, dropout=0.5)
    (_, first), (_, second) = (single.forward_with_final_states(states, mask) for _ in range(2))
    assert torch.equal(first, second)
    double = StackedRecurrent(cell, DIM, HIDDEN, layers=2, dropout=0.5)
    (_, first), (_, second) = (double.forward_with_final_states(states, mask) for _ in range(2))
    assert torch.equal(first[:, 0], second[:, 0])
    assert not torch.equal(first[:, 1], second[:, 1])
