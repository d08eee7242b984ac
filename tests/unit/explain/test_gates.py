"""Gates and memory cells equal those of a slow reference, which gives the network's states."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

from munjang.errors import ConfigError, MunjangError
from munjang.explain.gates import compute_gates, layer_gates
from munjang.explain.recurrent_layers import find_layers, whole_states
from munjang.explain.token_network import open_network
from tests.synthetic import pad_rows, random_rows
from tests.unit.explain.models import small_language_model, small_model
from tests.unit.explain.networks import VOCABULARY, make_network
from tests.unit.text.strategies import hostile_text

pytestmark = pytest.mark.usefixtures("one_thread")

ROW = [5, 6, 7, 8, 5, 9, 4]


def read_slowly(layer: nn.RNNBase, vectors: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """States, memory cells and gates of one layer, unit by unit from the formulas of the papers."""
    w, u, b, d = (weight.double() for weight in layer.all_weights[0])
    size = layer.hidden_size
    h = c = torch.zeros(size, dtype=torch.float64)
    states, cells, gates = [], [], []
    for x in vectors.double():
        of_x, of_h = w @ x + b, u @ h + d
        part = [slice(n * size, (n + 1) * size) for n in range(len(w) // size)]
        if isinstance(layer, nn.LSTM):
            i, f, o = (1 / (1 + torch.exp(-(of_x + of_h)[part[n]])) for n in (0, 1, 3))
            c = f * c + i * torch.tanh((of_x + of_h)[part[2]])
            h = o * torch.tanh(c)
            gates.append({"input": i, "forget": f, "output": o})
        else:
            r, z = (1 / (1 + torch.exp(-(of_x + of_h)[part[n]])) for n in (0, 1))
            h = z * h + (1 - z) * torch.tanh(of_x[part[2]] + r * of_h[part[2]])
            gates.append({"reset": r, "update": z})
        states.append(h)
        cells.append(c)
    named = {name: torch.stack([gate[name] for gate in gates]) for name in gates[0]}
    return torch.stack(states), torch.stack(cells), named


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("directions", [1, 2])
def test_gates_equal_a_slow_reference(cell: str, directions: int) -> None:
    network = make_network(cell, directions=directions)
    reader = open_network(network)
    layers = find_layers(reader.module)
    assert layers is not None
    ids, mask = pad_rows([ROW])
    with torch.no_grad():
        below = reader.embed(ids, mask)[0]
        gates = list(layer_gates(layers, below))
        for number, ahead in enumerate(layers.forwards):
            states, _, named = read_slowly(ahead, below)
            slow = [("left to right", named)]
            if directions == 2:
                mirrored, _, named = read_slowly(layers.backwards[number], below.flip(0))
                slow.append(("right to left", {k: v.flip(0) for k, v in named.items()}))
                states = torch.cat([states, mirrored.flip(0)], dim=1)
            for direction, values in slow:
                own = {g.name: g.values for g in gates
                       if (g.layer, g.direction) == (number, direction)}  # fmt: skip
                assert own.keys() == values.keys()
                for name, value in values.items():
                    np.testing.assert_allclose(own[name], value.numpy(), atol=1e-5)
            below = states.float()
        expected = network.encoder.states(ids, mask)[0]
    torch.testing.assert_close(below, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("directions", [1, 2])
def test_states_of_an_lstm_include_its_memory_cells(directions: int) -> None:
    network = make_network("lstm", directions=directions, layers=1)
    encoder = network.encoder
    rows = random_rows(4, vocabulary=VOCABULARY, shortest=1, longest=8)
    ids, mask = pad_rows(rows, extra=2, filler=3)
    with torch.no_grad():
        vectors = encoder.embed(ids, mask).tokens
        layers = find_layers(encoder)
        assert layers is not None
        whole = whole_states(layers, vectors, mask)
        states = encoder.states(ids, mask)
        width = states.shape[-1]
        for number, row in enumerate(rows):
            read = slice(0, len(row))
            torch.testing.assert_close(whole[number, read, :width], states[number, read])
            _, cells, _ = read_slowly(layers.forwards[0], vectors[number, read])
            torch.testing.assert_close(whole[number, read, width : width + 5].double(), cells,
                                       atol=1e-5, rtol=0)  # fmt: skip
            if directions == 2:
                _, cells, _ = read_slowly(layers.backwards[0], vectors[number, read].flip(0))
                torch.testing.assert_close(
                    whole[number, read, width + 5 :].double(), cells.flip(0), atol=1e-5, rtol=0
                )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_language_models_have_gates(cell: str) -> None:
    gates = compute_gates(small_language_model(cell), "영화 정말\n재미있다")
    assert gates.cell == cell
    assert gates.tokens.labels[0] == "⟨eos⟩"
    assert len(gates.gates) == (3 if cell == "lstm" else 2)
    assert {gate.values.shape[0] for gate in gates.gates} == {len(gates.tokens.ids)}


def test_units_that_vary_most_come_first() -> None:
    gates = compute_gates(small_model("gru"), "영화 정말 재미있다")
    gate = gates.gates[0]
    spreads = gate.values.std(0)
    units = gate.varying_units(3)
    assert units[0] == spreads.argmax()
    assert sorted(spreads[units], reverse=True) == list(spreads[units])
    assert list(gate.to_json()["units"]) == [str(unit) for unit in gate.varying_units()]


@pytest.mark.parametrize("name", ["rnn", "cnn", "transformer"])
def test_models_without_gates_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"this model \({name}\) has no gates"):
        compute_gates(small_model(name), "영화")


@settings(max_examples=15)
@given(text=hostile_text())
def test_any_text_has_gates_or_one_error(text: str) -> None:
    try:
        gates = compute_gates(small_model("lstm", tokenizer="jamo"), text[:60])
    except MunjangError:
        return
    assert all(((gate.values >= 0) & (gate.values <= 1)).all() for gate in gates.gates)
