"""The fused layers of a recurrent network, opened: memory cells and gates at every token.

PyTorch's fused layers return the hidden states, and of an lstm the last memory cell. Gates are
functions of x_t and h_(t-1) alone, so they are computed for all tokens at once, and the memory
cells follow from them:

    c_t = f_t ∘ c_(t-1) + i_t ∘ g_t         the symbols are those of `munjang.layers.cells`

The state that an lstm carries from token to token is the pair (h, c). What the cell keeps may not
show in h = o ∘ tanh(c): the output gate may be shut, or the tanh flat.
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from munjang.layers.cells import gru_gates, lstm_gates, weights_of
from munjang.layers.masking import reverse_rows


@dataclass(frozen=True)
class RecurrentLayers:
    """The fused layers of a recurrent network in evaluation mode.

    Attributes:
        forwards: left to right, the lowest first.
        backwards: right to left; empty with one direction.
    """

    forwards: tuple[nn.RNNBase, ...]
    backwards: tuple[nn.RNNBase, ...]

    @property
    def cell(self) -> str:
        """`rnn`, `lstm` or `gru`."""
        return type(self.forwards[0]).__name__.lower()


def find_layers(module: Any) -> RecurrentLayers | None:
    """Return the recurrent layers of an encoder or a language model; None without any."""
    recurrent = getattr(module, "recurrent", None)
    forwards = tuple(cast("list[nn.RNNBase]", list(getattr(recurrent, "forwards", ()))))
    backwards = tuple(cast("list[nn.RNNBase]", list(getattr(recurrent, "backwards", ()))))
    return RecurrentLayers(forwards, backwards) if forwards else None


def states_before(states: Tensor) -> Tensor:
    """Return the state before each token: zeros, and all states [batch, time, dim] but the last."""
    return torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1)


def gates_by_name(layer: nn.RNNBase, vectors: Tensor, states: Tensor) -> dict[str, Tensor]:
    """Return the gates of a layer over each token, by name; empty without gates.

    Args:
        layer: a fused layer.
        vectors: its input, [batch, time, dim].
        states: its output, [batch, time, hidden].

    Returns:
        Values from 0 (shut) to 1 (open), each [batch, time, hidden]: `input`, `forget` and `output`
        of an lstm, `reset` and `update` of a gru.
    """
    x, h = vectors.flatten(0, 1), states_before(states).flatten(0, 1)
    if isinstance(layer, nn.LSTM):
        i, f, _, o = lstm_gates(x, h, weights_of(layer))
        gates = {"input": i, "forget": f, "output": o}
    elif isinstance(layer, nn.GRU):
        r, z, _ = gru_gates(x, h, weights_of(layer))
        gates = {"reset": r, "update": z}
    else:
        gates = {}
    return {name: values.view(states.shape) for name, values in gates.items()}


def memory_cells(layer: nn.LSTM, vectors: Tensor, states: Tensor) -> Tensor:
    """Return the memory cell of an lstm after each token, [batch, time, hidden].

    Args:
        layer: the fused layer.
        vectors: its input, [batch, time, dim].
        states: its hidden states, [batch, time, hidden].
    """
    x, h = vectors.flatten(0, 1), states_before(states).flatten(0, 1)
    i, f, g, _ = (gate.view(states.shape) for gate in lstm_gates(x, h, weights_of(layer)))
    cell, cells = torch.zeros_like(states[:, 0]), []
    for kept, added in zip(f.unbind(1), (i * g).unbind(1), strict=True):
        cell = kept * cell + added
        cells.append(cell)
    return torch.stack(cells, dim=1) if cells else torch.zeros_like(states)


@dataclass(frozen=True)
class LayerRun:
    """One layer and direction over a batch, in the order in which it reads.

    Attributes:
        number: of the layer, from 0, the lowest.
        is_backward: True if it reads from right to left.
        layer: the fused layer.
        vectors: its input, [batch, time, dim].
        states: its hidden states, [batch, time, hidden].
    """

    number: int
    is_backward: bool
    layer: nn.RNNBase
    vectors: Tensor
    states: Tensor


def run_layers(layers: RecurrentLayers, vectors: Tensor, mask: Tensor) -> list[LayerRun]:
    """Run all layers from zero, as the network does in evaluation mode.

    Args:
        layers: of the network.
        vectors: token vectors, [batch, time, dim].
        mask: [batch, time], True = real token.
    """
    runs, below = list[LayerRun](), vectors
    for number, ahead in enumerate(layers.forwards):
        states: Tensor = ahead(below)[0]
        runs.append(LayerRun(number, False, ahead, below, states))
        if layers.backwards:
            back, mirrored = layers.backwards[number], reverse_rows(below, mask)
            runs.append(LayerRun(number, True, back, mirrored, back(mirrored)[0]))
            states = torch.cat([states, reverse_rows(runs[-1].states, mask)], dim=-1)
        below = states
    return runs


def whole_states(layers: RecurrentLayers, vectors: Tensor, mask: Tensor) -> Tensor:
    """Return what the highest layer carries: its hidden states and, of an lstm, its memory cells.

    Args:
        layers: of the network.
        vectors: token vectors, [batch, time, dim].
        mask: [batch, time], True = real token.

    Returns:
        [batch, time, hidden x directions], twice as wide for an lstm: states, then cells.
    """
    runs = run_layers(layers, vectors, mask)
    highest = [run for run in runs if run.number == runs[-1].number]
    parts = [run.states for run in highest]
    for run in highest:
        if isinstance(run.layer, nn.LSTM):
            parts.append(memory_cells(run.layer, run.vectors, run.states))
    turned = [reverse_rows(p, mask) if highest[n % len(highest)].is_backward else p
              for n, p in enumerate(parts)]  # fmt: skip
    return torch.cat(turned, dim=-1)
