"""Recurrent layers: the operators RNN, LSTM and GRU.

They get the lengths of the rows, so that both directions read real tokens only. PyTorch's order of
the gates becomes ONNX's:

    LSTM   i f g o  ->  i o f g
    GRU    r z n    ->  z r n        linear_before_reset: the reset gate acts after the product
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from munjang.export.onnx.graph import Graph, Value
from munjang.export.onnx.layers.tokens import Tokens
from munjang.layers.recurrent import StackedRecurrent


@dataclass(frozen=True)
class _Operator:
    """The operator of a cell.

    Attributes:
        kind: its name.
        gates: PyTorch's gates in the order of ONNX.
        outputs: all states, and the parts of the last one.
        attributes: others than the width.
    """

    kind: str
    gates: tuple[int, ...]
    outputs: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


_OPERATORS: Mapping[type[nn.RNNBase], _Operator] = {
    nn.RNN: _Operator("RNN", (0,), 2),
    nn.LSTM: _Operator("LSTM", (0, 3, 1, 2), 3),
    nn.GRU: _Operator("GRU", (1, 0, 2), 2, {"linear_before_reset": 1}),
}


def write_stacked(graph: Graph, module: StackedRecurrent, states: Value, tokens: Tokens) -> Value:
    """Return the hidden states [batch, time, hidden x directions]; zeros at padding."""
    return write_stacked_with_ends(graph, module, states, tokens)[0]


def write_stacked_with_ends(
    graph: Graph, module: StackedRecurrent, states: Value, tokens: Tokens
) -> tuple[Value, list[tuple[Value, ...]]]:
    """Return the hidden states, and the final states of every layer.

    Those are the hidden state and, for lstm, the memory cell, each [directions, batch, hidden].
    """
    lengths = graph.op("Cast", tokens.lengths, to=graph.kind("i4"))
    x, finals = to_time_first(graph, states), []
    for number, ahead in enumerate(module.forwards):
        layers = [ahead, *([module.backwards[number]] if module.backwards else [])]
        with graph.scope(str(number)):
            y, ends = write_fused(graph, layers, x, lengths)  # type: ignore[arg-type]
            x = _join_directions(graph, y)
        finals.append(ends)
    return graph.op("Transpose", x, perm=[1, 0, 2]), finals


def to_time_first(graph: Graph, states: Value) -> Value:
    """Return states [batch, time, dim] as [time, batch, dim]."""
    return graph.op("Transpose", states, perm=[1, 0, 2])


def _join_directions(graph: Graph, y: Value) -> Value:
    """Return [time, batch, directions x hidden] of [time, directions, batch, hidden]."""
    return graph.op("Reshape", graph.op("Transpose", y, perm=[0, 2, 1, 3]), [0, 0, -1])


def write_fused(
    graph: Graph,
    layers: Sequence[nn.RNNBase],
    x: Value,
    lengths: Value | None,
    first: Sequence[Value] = (),
) -> tuple[Value, tuple[Value, ...]]:
    """Write one layer in one direction or two.

    Args:
        graph: the graph.
        layers: the layer left to right and, if there is one, the layer right to left.
        x: [time, batch, dim].
        lengths: [batch] int32; None: all rows are as long as `x`.
        first: parts of the initial state, each [directions, batch, hidden]; empty: zeros.

    Returns:
        States [time, directions, batch, hidden], and the parts of the final state.
    """
    operator = _OPERATORS[type(layers[0])]
    weights = [_weights(layer, operator) for layer in layers]
    hidden = int(layers[0].hidden_size)
    inputs = [
        _stack(graph, name, [parts[place] for parts in weights])
        for place, name in enumerate(("weight_ih", "weight_hh"))
    ]
    bias = graph.weight("bias", np.stack([parts[2] for parts in weights]))
    direction = "bidirectional" if len(layers) == 2 else "forward"
    y, *ends = graph.ops(
        operator.kind,
        x,
        *inputs,
        bias,
        lengths,
        *first,
        outputs=operator.outputs,
        hidden_size=hidden,
        direction=direction,
        **operator.attributes,
    )
    return y, tuple(ends)


def _weights(layer: nn.RNNBase, operator: _Operator) -> tuple[Any, Any, Any]:
    """Return W [gates x hidden, dim], U [gates x hidden, hidden] and both biases, as ONNX has."""
    w, u, b, d = layer.all_weights[0]

    def reorder(part: Tensor) -> Tensor:
        gates = part.detach().chunk(len(operator.gates))
        return torch.cat([gates[place] for place in operator.gates])

    biases = torch.cat([reorder(b), reorder(d)])
    return reorder(w).numpy(), reorder(u).numpy(), biases.numpy()


def _stack(graph: Graph, name: str, matrices: Sequence[Any]) -> Value:
    """Return matrices as one weight [directions, ...]; in 8 bits each has scales of its own."""
    if not graph.int8:
        return graph.weight(name, np.stack(matrices))
    parts = [graph.op("Unsqueeze", graph.matrix(name, matrix), [0]) for matrix in matrices]
    return graph.op("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]
