"""Self-attention, cross-attention, and the layers of Transformers."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from munjang.export.onnx.graph import Graph, Value
from munjang.export.onnx.layers.activations import write_activation
from munjang.export.onnx.layers.dense import write_linear, write_norm
from munjang.export.onnx.layers.positions import RotaryAngles, rotate
from munjang.export.onnx.layers.tokens import Tokens
from munjang.layers.attention import CrossAttention, SelfAttention
from munjang.layers.blocks import Block, DecoderBlock, TransformerLayer
from munjang.layers.causal_block import CausalBlock

Sublayer = Callable[[Value], Value]


@dataclass(frozen=True)
class KeysValues:
    """Keys and values of tokens, each [batch, heads, time, dim / heads]."""

    keys: Value
    values: Value


def write_visible_keys(graph: Graph, tokens: Tokens) -> Value:
    """Return the keys that may be attended to, [batch, 1, 1, time], as `visible_keys` does."""
    is_first = graph.op("Equal", tokens.places, 0)
    return graph.op("Unsqueeze", graph.op("Or", tokens.mask, is_first), [1, 2])


def attend(
    graph: Graph, queries: Value, known: KeysValues, visible: Value | None, width: int
) -> Value:
    """Return softmax(Q Kᵀ / √width) V, [batch, heads, queries, width]."""
    scaled = graph.op("Mul", queries, width**-0.5)
    scores = graph.op("MatMul", scaled, graph.op("Transpose", known.keys, perm=[0, 1, 3, 2]))
    if visible is not None:
        scores = graph.op("Where", visible, scores, -math.inf)
    return graph.op("MatMul", graph.op("Softmax", scores, axis=-1), known.values)


def _split_heads(graph: Graph, projected: Value, parts: int, heads: int) -> tuple[Value, ...]:
    """Return the parts of [batch, time, parts x dim], each [batch, heads, time, dim / heads]."""
    shaped = graph.op("Reshape", projected, [0, 0, parts, heads, -1])
    turned = graph.op("Transpose", shaped, perm=[2, 0, 3, 1, 4])
    return tuple(graph.op("Gather", turned, part, axis=0) for part in range(parts))


def _join_heads(graph: Graph, heads: Value) -> Value:
    return graph.op("Reshape", graph.op("Transpose", heads, perm=[0, 2, 1, 3]), [0, 0, -1])


def write_self_attention(
    graph: Graph,
    module: SelfAttention,
    states: Value,
    visible: Value | None,
    rotary: RotaryAngles | None,
    past: KeysValues | None = None,
) -> tuple[Value, KeysValues]:
    """Attend from every token to those of its row and to those of `past`.

    Returns:
        [batch, time, dim], and keys and values of past and present.
    """
    with graph.scope("attention"):
        projected = write_linear(graph, module.in_proj, states, "in_proj")
        queries, keys, values = _split_heads(graph, projected, 3, module.heads)
        if rotary is not None:
            queries, keys = rotate(graph, queries, rotary), rotate(graph, keys, rotary)
        known = KeysValues(keys, values)
        if past is not None:
            known = KeysValues(
                graph.op("Concat", past.keys, keys, axis=2),
                graph.op("Concat", past.values, values, axis=2),
            )
        width = module.out_proj.in_features // module.heads
        joined = _join_heads(graph, attend(graph, queries, known, visible, width))
        return write_linear(graph, module.out_proj, joined, "out_proj"), known


def write_source_keys_values(graph: Graph, module: CrossAttention, source: Value) -> KeysValues:
    """Return keys and values of a source [batch, time, dim]."""
    projected = write_linear(graph, module.in_proj, source, "in_proj")
    return KeysValues(*_split_heads(graph, projected, 2, module.heads))


def write_cross_attention(
    graph: Graph, module: CrossAttention, states: Value, source: KeysValues, visible: Value
) -> Value:
    """Attend from every token [batch, time, dim] to a source."""
    with graph.scope("cross"):
        (queries,) = _split_heads(
            graph, write_linear(graph, module.query, states, "query"), 1, module.heads
        )
        width = module.out_proj.in_features // module.heads
        joined = _join_heads(graph, attend(graph, queries, source, visible, width))
        return write_linear(graph, module.out_proj, joined, "out_proj")


def _residual(
    graph: Graph, layer: TransformerLayer, states: Value, norm: nn.LayerNorm, sublayer: Sublayer
) -> Value:
    name = next(name for name, child in layer.named_children() if child is norm)
    if layer.norm_first:
        return graph.op("Add", states, sublayer(write_norm(graph, norm, states, name)))
    return write_norm(graph, norm, graph.op("Add", states, sublayer(states)), name)


def _feed_forward(graph: Graph, layer: TransformerLayer, states: Value) -> Value:
    def sublayer(x: Value) -> Value:
        hidden = write_activation(graph, layer.activation, write_linear(graph, layer.up, x, "up"))
        return write_linear(graph, layer.down, hidden, "down")

    return _residual(graph, layer, states, layer.feed_forward_norm, sublayer)


def write_block(
    graph: Graph,
    layer: Block | CausalBlock,
    states: Value,
    visible: Value | None,
    rotary: RotaryAngles | None,
    past: KeysValues | None = None,
) -> tuple[Value, KeysValues]:
    """Write a layer of self-attention and feed-forward.

    Returns:
        The new states [batch, time, dim], and keys and values of past and present.
    """
    kept: list[KeysValues] = []

    def attention(x: Value) -> Value:
        y, known = write_self_attention(graph, layer.attention, x, visible, rotary, past)
        kept.append(known)
        return y

    states = _residual(graph, layer, states, layer.attention_norm, attention)
    return _feed_forward(graph, layer, states), kept[0]


def write_decoder_block(
    graph: Graph,
    layer: DecoderBlock,
    states: Value,
    rotary: RotaryAngles | None,
    past: KeysValues,
    source: KeysValues,
    source_visible: Value,
) -> tuple[Value, KeysValues]:
    """Write one step of a decoder layer, for one more token per row.

    Returns:
        The new states [batch, 1, dim], and keys and values of past and present.
    """
    kept: list[KeysValues] = []

    def attention(x: Value) -> Value:
        y, known = write_self_attention(graph, layer.attention, x, None, rotary, past)
        kept.append(known)
        return y

    def cross(x: Value) -> Value:
        return write_cross_attention(graph, layer.cross, x, source, source_visible)

    states = _residual(graph, layer, states, layer.attention_norm, attention)
    states = _residual(graph, layer, states, layer.cross_norm, cross)
    return _feed_forward(graph, layer, states), kept[0]
