"""Pooling of states over time."""

from collections.abc import Callable, Mapping

import numpy as np

from munjang.export.onnx.graph import Graph, Value
from munjang.export.onnx.layers.dense import write_linear
from munjang.export.onnx.layers.tokens import Tokens, count_real, mask_states
from munjang.layers.attention import AttentionPooling
from munjang.layers.masking import last_states
from munjang.layers.pooling import Pooling

_LOWEST = float(np.finfo(np.float32).min)


def write_pooling(graph: Graph, module: Pooling, states: Value, tokens: Tokens) -> Value:
    """Return the pooled vector of each row, [batch, dim x names]; zeros for an empty row."""
    parts = []
    for name in module.names:
        if name == "attention":
            parts.append(graph.write(module.attention, states, tokens, name="attention"))  # type: ignore[arg-type]
        elif name == "last" and module.functions["last"] is last_states:
            parts.append(_last_states(graph, states, tokens))
        else:
            parts.append(POOLINGS[name](graph, states, tokens))
    return graph.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def write_max(graph: Graph, states: Value, tokens: Tokens) -> Value:
    """Return the maximum over real tokens, [batch, dim]."""
    masked = mask_states(graph, states, tokens, _LOWEST)
    return _zero_empty(graph, graph.op("ReduceMax", masked, [1], keepdims=0), tokens)


def write_mean(graph: Graph, states: Value, tokens: Tokens) -> Value:
    """Return the mean over real tokens, [batch, dim]."""
    sums = graph.op("ReduceSum", mask_states(graph, states, tokens, 0.0), [1], keepdims=0)
    return graph.op("Div", sums, count_real(graph, tokens))


def write_last(graph: Graph, states: Value, tokens: Tokens) -> Value:
    """Return the state of the last real token, [batch, dim]."""
    last = graph.op("Max", graph.op("Sub", tokens.lengths, 1), 0)
    found = graph.op("GatherND", states, graph.op("Unsqueeze", last, [1]), batch_dims=1)
    return _zero_empty(graph, found, tokens)


def write_first(graph: Graph, states: Value, tokens: Tokens) -> Value:
    """Return the state of the first token, [batch, dim]."""
    return _zero_empty(graph, graph.op("Gather", states, 0, axis=1), tokens)


def _last_states(graph: Graph, states: Value, tokens: Tokens) -> Value:
    """Return the final state of each direction."""
    ahead, back = graph.ops("Split", states, outputs=2, axis=2, num_outputs=2)
    parts = write_last(graph, ahead, tokens), write_first(graph, back, tokens)
    return graph.op("Concat", *parts, axis=1)


def _zero_empty(graph: Graph, pooled: Value, tokens: Tokens) -> Value:
    is_filled = graph.op("Unsqueeze", graph.op("Greater", tokens.lengths, 0), [1])
    return graph.op("Where", is_filled, pooled, 0.0)


POOLINGS: Mapping[str, Callable[[Graph, Value, Tokens], Value]] = {
    "max": write_max,
    "mean": write_mean,
    "last": write_last,
    "first": write_first,
}


def write_attention_pooling(
    graph: Graph, module: AttentionPooling, states: Value, tokens: Tokens
) -> Value:
    """Return the weighted mean of the states of each row, [batch, dim]."""
    keys = graph.op("Tanh", write_linear(graph, module.keys, states, "keys"))
    scores = graph.op("Squeeze", write_linear(graph, module.query, keys, "query"), [2])
    weights = write_masked_softmax(graph, scores, tokens.mask)
    summed = graph.op("MatMul", graph.op("Unsqueeze", weights, [1]), states)
    return graph.op("Squeeze", summed, [1])


def write_masked_softmax(graph: Graph, scores: Value, mask: Value) -> Value:
    """Return the softmax over real places; 0 at padding, and everywhere in an empty row."""
    weights = graph.op("Softmax", graph.op("Where", mask, scores, _LOWEST), axis=-1)
    return graph.op("Where", mask, weights, 0.0)
