"""Gates of recurrent layers over one text: what is let in, kept, shown and forgotten.

    lstm    input i    how much of the candidate enters the cell
            forget f   how much of the cell stays
            output o   how much of the cell the state shows
    gru     reset r    how much of the old state the candidate reads
            update z   how much of the old state stays

The gates of step t are functions of x_t and h_(t-1); `munjang.explain.recurrent_layers` computes
them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.errors import ConfigError, DataError
from munjang.explain.recurrent_layers import (
    RecurrentLayers,
    find_layers,
    gates_by_name,
    run_layers,
)
from munjang.explain.text_tokens import TextTokens, read_tokens
from munjang.explain.token_network import embed_rows, open_network
from munjang.model import Model

Direction = Literal["left to right", "right to left"]
Floats = npt.NDArray[np.float32]

# Units of a gate that are shown: those that vary most over the text.
UNITS = 8
_DIGITS = 4


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

    @property
    def truncated(self) -> bool:
        """True if the end of the text was not read."""
        return self.tokens.truncated

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
    layers = find_gated_layers(network)
    reader = open_network(network)
    ids = torch.tensor([tokens.ids])
    vectors = embed_rows(reader, ids, torch.ones_like(ids, dtype=torch.bool))
    gates = tuple(layer_gates(layers, vectors[0]))
    if not all(np.isfinite(gate.values).all() for gate in gates):
        raise DataError(
            "expected finite gates, got NaN; the training diverged, train the model again"
        )
    return Gates(layers.cell, tokens, gates)


def find_gated_layers(network: nn.Module) -> RecurrentLayers:
    """Return the layers of a network that have gates; of several members those of the first.

    Raises:
        ConfigError: it has none.
    """
    module = open_network(network).module
    layers = find_layers(module)
    if layers is None or not isinstance(layers.forwards[0], nn.LSTM | nn.GRU):
        kind = type(module).__name__.lower()
        raise ConfigError(f"this model ({kind}) has no gates to show; lstm and gru have")
    return layers


@torch.no_grad()
def layer_gates(layers: RecurrentLayers, vectors: Tensor) -> Iterator[Gate]:
    """Yield the gates of every layer over the token vectors of one text, [tokens, dim]."""
    batch = vectors[None]
    mask = torch.ones(batch.shape[:2], dtype=torch.bool, device=batch.device)
    for run in run_layers(layers, batch, mask):
        direction: Direction = "right to left" if run.is_backward else "left to right"
        for name, values in gates_by_name(run.layer, run.vectors, run.states).items():
            in_order = values[0].flip(0) if run.is_backward else values[0]
            yield Gate(run.number, direction, name, in_order.cpu().numpy())
