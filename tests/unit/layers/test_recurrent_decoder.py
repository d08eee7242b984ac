"""The decoder at once, step by step, and by the steps written out: one and the same."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from munjang.layers.cells import gru_step, lstm_step, weights_of
from munjang.layers.recurrent_decoder import (
    PARTS,
    Bridge,
    RecurrentDecoder,
    split_layers,
    stack_layers,
)

pytestmark = pytest.mark.usefixtures("one_thread")

DIM, HIDDEN, BATCH, TIME = 5, 4, 3, 6
every_stack = pytest.mark.parametrize(
    ("cell", "layers"), [(cell, layers) for cell in PARTS for layers in (1, 2, 3)]
)


def make_decoder(cell: str, layers: int, **options: Any) -> tuple[RecurrentDecoder, Tensor, Tensor]:
    """A decoder, vectors to read and a beginning, both of which want gradients."""
    torch.manual_seed(layers)
    decoder = RecurrentDecoder(cell, DIM, HIDDEN, layers=layers, **options)
    vectors = torch.randn(BATCH, TIME, DIM, requires_grad=True)
    begin = torch.randn(BATCH, layers, PARTS[cell], HIDDEN, requires_grad=True)
    return decoder, vectors, begin


def run_steps(
    decoder: RecurrentDecoder, vectors: Tensor, begin: Tensor, extra: Any = None
) -> Tensor:
    remembered, drawn = split_layers(begin), decoder.draw_dropout(len(vectors), vectors)
    states = []
    for index, read in enumerate(decoder.project_inputs(vectors).unbind(1)):
        joins = None if extra is None else extra[:, index]
        remembered = decoder.step(read, joins, remembered, drawn)
        states.append(remembered[-1][0])
    return torch.stack(states, dim=1)


def reference_states(decoder: RecurrentDecoder, vectors: Tensor, begin: Tensor) -> Tensor:
    below = vectors
    for number, layer in enumerate(decoder.layers):
        weights = weights_of(layer)
        state = begin[:, number].unbind(1)
        hidden = []
        for x in below.unbind(1):
            if isinstance(layer, nn.LSTM):
                state = lstm_step(x, *state, weights)
            else:
                state = (gru_step(x, *state, weights),)
            hidden.append(state[0])
        below = torch.stack(hidden, dim=1)
    return below


def assert_same(one: Tensor, other: Tensor, inputs: list[Tensor]) -> None:
    """In values and in every gradient."""
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(one)
    mine = torch.autograd.grad((one * weights).sum(), inputs)
    theirs = torch.autograd.grad((other * weights).sum(), inputs)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@every_stack
def test_forward_equals_reference_steps(cell: str, layers: int) -> None:
    decoder, vectors, begin = make_decoder(cell, layers)
    expected = reference_states(decoder, vectors, begin)
    assert_same(decoder(vectors, begin), expected, [vectors, begin, *decoder.parameters()])


@every_stack
def test_step_equals_reference_steps(cell: str, layers: int) -> None:
    decoder, vectors, begin = make_decoder(cell, layers)
    expected = reference_states(decoder, vectors, begin)
    inputs = [vectors, begin, *decoder.parameters()]
    assert_same(run_steps(decoder, vectors, begin), expected, inputs)


@every_stack
def test_extra_inputs_are_concatenated(cell: str, layers: int) -> None:
    decoder, vectors, begin = make_decoder(cell, layers, extra_dim=3)
    extra = torch.randn(BATCH, TIME, 3, requires_grad=True)
    expected = reference_states(decoder, torch.cat([vectors, extra], dim=-1), begin)
    inputs = [vectors, extra, begin, *decoder.parameters()]
    assert_same(run_steps(decoder, vectors, begin, extra), expected, inputs)


@pytest.mark.parametrize("cell", PARTS)
def test_forward_and_step_share_dropout_masks(cell: str) -> None:
    decoder, vectors, begin = make_decoder(cell, 3, dropout=0.5)
    torch.manual_seed(5)
    once = decoder(vectors, begin)
    torch.manual_seed(5)
    by_step = run_steps(decoder, vectors, begin)
    torch.testing.assert_close(once, by_step, rtol=1e-4, atol=1e-5)
    assert not torch.equal(once, decoder(vectors, begin))
    decoder.eval()
    assert torch.equal(decoder(vectors, begin), decoder(vectors, begin))
    assert decoder.draw_dropout(BATCH, vectors) is None


@pytest.mark.parametrize("cell", PARTS)
def test_single_layer_has_no_dropout(cell: str) -> None:
    decoder, vectors, begin = make_decoder(cell, 1, dropout=0.5)
    assert torch.equal(decoder(vectors, begin), decoder(vectors, begin))
    assert torch.equal(run_steps(decoder, vectors, begin), run_steps(decoder, vectors, begin))


def test_split_and_stack_layers_are_inverse() -> None:
    state = torch.randn(3, 2, 2, 4)
    layers = split_layers(state)
    assert [[part.shape for part in layer] for layer in layers] == [[(3, 4)] * 2] * 2
    assert torch.equal(layers[1][0], state[:, 1, 0])
    assert torch.equal(stack_layers(layers), state)


def test_bridge_has_one_projection_per_layer_and_state() -> None:
    torch.manual_seed(0)
    bridge = Bridge(2, 2, HIDDEN)
    ends = torch.randn(BATCH, 2, 2, HIDDEN)
    crossed = bridge(ends)
    for layer in range(2):
        for part in range(2):
            way = bridge.projections[2 * layer + part]
            expected = torch.tanh(ends[:, layer, part] @ way.weight.T + way.bias)
            torch.testing.assert_close(crossed[:, layer, part], expected)
