"""Gates of recurrent layers over one text: what is let in, kept, shown and forgotten.

    lstm    input i: how much of the candidate enters the cell      forget f: how much of the cell stays
            output o: how much of the cell the state shows
    gru     reset r: how much of the old state the candidate reads  update z: how much of it stays

Training runs PyTorch's fused layers, which do not return their gates. They follow from the hidden
states, which the layers do return: the gates of step t are functions of x_t and h_(t-1) alone
(`munjang.layers.cells`). So they are computed for all steps at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.errors import ConfigError, DataError
from munjang.explain.text_tokens import TextTokens, read_tokens
from munjang.explain.token_network import EncoderStates, TokenNetwork, embed_rows, open_network
from munjang.layers.cells import Weights, gru_gates, lstm_gates, weights_of
from munjang.model import Model

Direction = Literal["left to right", "right to left"]
Floats = npt.NDArray[np.float32]

# Units of a gate that are shown: those that vary most over the text.
UNITS = 8
_DIGITS = 4


def _lstm(x: Tensor, h: Tensor, weights: Weights) -> dict[str, Tensor]:
    i, f, _, o = lstm_gates(x, h, weights)
    return {"input": i, "forget": f, "output": o}


def _gru(x: Tensor, h: Tensor, weights: Weights) -> dict[str, Tensor]:
    r, z, _ = gru_gates(x, h, weights)
    return {"reset": r, "update": z}


# From x [time, dim] and the states before [time, hidden] to gates [time, hidden] by name.
_GATES: dict[type[nn.Module], Callable[[Tensor, Tensor, Weights], dict[str, Tensor]]] = {
    nn.LSTM: _lstm,
    nn.GRU: _gru,
}


@dataclass(frozen=True, eq=False)
class Gate:
    """One gate of one direction of one layer, over a text.

    Attributes:
        layer: from 0, the lowest.
        direction: order in which the layer reads.
        name: input, forget or output of an lstm; reset or update of a gru.
        values: from 0 (shut) to 1 (open), [tokens, units]; in the order of the text.
    """

    layer: int
    direction: Direction
    name: str
    values: Floats

    @property
    def mean(self) -> Floats:
        """Mean over the units, [tokens]."""
        mean: Floats = self.values.mean(1)
        return mean

    def varying_units(self, most: int = UNITS) -> list[int]:
        """Return the units whose values vary most over the text, these first."""
        spread = self.values.std(0)
        order: list[int] = np.argsort(-spread, kind="stable")[:most].tolist()
        return order

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the mean, and the units that vary most."""
        return {
            "layer": self.layer,
            "direction": self.direction,
            "gate": self.name,
            "mean": _rounded(self.mean),
            "units": {str(unit): _rounded(self.values[:, unit]) for unit in self.varying_units()},
        }


def _rounded(values: Floats) -> list[float]:
    return [round(value, _DIGITS) for value in values.tolist()]


@dataclass(frozen=True)
class Gates:
    """All gates of a model over one text.

    Attributes:
        cell: `lstm` or `gru`.
        tokens: the tokens, and their words.
        gates: by layer, direction and name.
    """

    cell: str
    tokens: TextTokens
    gates: tuple[Gate, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        gates = [gate.to_json() for gate in self.gates]
        return {"cell": self.cell, **self.tokens.to_json(), "gates": gates}


def compute_gates(model: Model, text: Any) -> Gates:
    """Return the gates of a model over one text.

    Args:
        model: an encoder `lstm` or `gru`, or a language model of that name; of several members the
            first.
        text: the text; (first, second) of two texts.

    Raises:
        ConfigError: the model has no gates.
        DataError: there is no token in the text, or a gate is NaN.
    """
    tokens, network = read_tokens(model, text)
    reader = open_network(network)
    layers = find_layers(reader)
    ids = torch.tensor([tokens.ids])
    vectors = embed_rows(reader, ids, torch.ones_like(ids, dtype=torch.bool))
    gates = tuple(layer_gates(layers, vectors[0]))
    if not all(np.isfinite(gate.values).all() for gate in gates):
        raise DataError(
            "expected finite gates, got NaN; the training diverged, train the model again"
        )
    return Gates(type(layers.forwards[0]).__name__.lower(), tokens, gates)


@dataclass(frozen=True)
class RecurrentLayers:
    """The fused layers of a recurrent network.

    Attributes:
        forwards: left to right, the lowest first.
        backwards: right to left; empty with one direction.
    """

    forwards: list[nn.RNNBase]
    backwards: list[nn.RNNBase]


def find_layers(reader: TokenNetwork) -> RecurrentLayers:
    """Return the recurrent layers of a network that have gates.

    Raises:
        ConfigError: it has none.
    """
    module = reader.encoder if isinstance(reader, EncoderStates) else getattr(reader, "network", 0)
    recurrent = getattr(module, "recurrent", None)
    forwards = cast(list[nn.RNNBase], list(getattr(recurrent, "forwards", ())))
    if not forwards or type(forwards[0]) not in _GATES:
        raise ConfigError(
            f"this model ({type(module).__name__.lower()}) has no gates to show; lstm and gru have"
        )
    return RecurrentLayers(forwards, list(getattr(recurrent, "backwards", ())))


@torch.no_grad()
def layer_gates(layers: RecurrentLayers, vectors: Tensor) -> Iterator[Gate]:
    """Yield the gates of every layer over the token vectors of one text, [tokens, dim]."""
    below = vectors
    for number, ahead in enumerate(layers.forwards):
        states, gates = _run(ahead, below)
        for name, values in gates.items():
            yield Gate(number, "left to right", name, values.cpu().numpy())
        if layers.backwards:
            mirrored, gates = _run(layers.backwards[number], below.flip(0))
            for name, values in gates.items():
                yield Gate(number, "right to left", name, values.flip(0).cpu().numpy())
            states = torch.cat([states, mirrored.flip(0)], dim=-1)
        below = states


def _run(layer: nn.RNNBase, below: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the states [tokens, hidden] of a layer in its own order, and its gates by name."""
    states: Tensor = layer(below[None])[0][0]
    before = torch.cat([states.new_zeros(1, states.shape[1]), states[:-1]])
    return states, _GATES[type(layer)](below, before, weights_of(layer))
