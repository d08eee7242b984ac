"""StackedLSTM is a packed nn.LSTM, in values and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from munjang.layers.masking import mask_from_lengths
from munjang.layers.recurrent import StackedLSTM

pytestmark = pytest.mark.usefixtures("one_thread")

DIM, HIDDEN = 5, 4


def pairs(ours: StackedLSTM, theirs: nn.LSTM) -> list[tuple[nn.Parameter, nn.Parameter]]:
    """Each of our parameters beside the one of the framework's stack that it stands for."""
    found = []
    for suffix, stack in (("", ours.forwards), ("_reverse", ours.backwards)):
        for number, layer in enumerate(stack):
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                mine = getattr(layer, f"{kind}_l0")
                found.append((mine, getattr(theirs, f"{kind}_l{number}{suffix}")))
    return found


def packed(lstm: nn.LSTM, states: Tensor, lengths: list[int]) -> Tensor:
    rows = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(rows)[0], batch_first=True, total_length=states.shape[1])[0]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("directions", [1, 2])
@settings(max_examples=8, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    extra=st.integers(0, 3),
)
def test_equal_to_a_packed_lstm(
    layers: int, directions: int, lengths: list[int], extra: int
) -> None:
    torch.manual_seed(layers)
    ours = StackedLSTM(DIM, HIDDEN, layers=layers, directions=directions)
    theirs = nn.LSTM(
        DIM, HIDDEN, num_layers=layers, bidirectional=directions == 2, batch_first=True
    )
    for mine, other in pairs(ours, theirs):
        other.data = mine.detach().clone()
    mask = mask_from_lengths(torch.tensor(lengths), max(lengths) + extra)
    states = torch.randn(*mask.shape, DIM, requires_grad=True)
    twin = states.detach().clone().requires_grad_()
    got = ours(states, mask).masked_fill(~mask[..., None], 0.0)
    expected = packed(theirs, twin, lengths)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(got)
    (got * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(states.grad, twin.grad, rtol=1e-4, atol=1e-5)
    for mine, other in pairs(ours, theirs):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_dropout_stands_between_layers_and_only_in_training() -> None:
    torch.manual_seed(0)
    mask = torch.ones(2, 6, dtype=torch.bool)
    states = torch.randn(2, 6, DIM)
    single = StackedLSTM(DIM, HIDDEN, layers=1, dropout=0.5)
    assert torch.equal(single(states, mask), single(states, mask))
    double = StackedLSTM(DIM, HIDDEN, layers=2, dropout=0.5)
    assert not torch.equal(double(states, mask), double(states, mask))
    double.eval()
    assert torch.equal(double(states, mask), double(states, mask))


def test_one_direction_never_looks_ahead() -> None:
    torch.manual_seed(0)
    lstm = StackedLSTM(DIM, HIDDEN, layers=2, directions=1)
    states = torch.randn(1, 6, DIM)
    changed = states.clone()
    changed[:, 4:] += 1.0
    mask = torch.ones(1, 6, dtype=torch.bool)
    before, after = lstm(states, mask), lstm(changed, mask)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4:], after[:, 4:])
