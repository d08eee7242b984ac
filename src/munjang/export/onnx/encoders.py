"""Encoders as graphs: token rows to states and to one vector per row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from munjang.export.onnx.graph import Graph, Value
from munjang.export.onnx.layers.activations import write_activation
from munjang.export.onnx.layers.attention import write_block, write_visible_keys
from munjang.export.onnx.layers.dense import write_convolutions, write_linear, write_norm
from munjang.export.onnx.layers.embedding import write_bag
from munjang.export.onnx.layers.positions import write_rotary
from munjang.export.onnx.layers.tokens import Tokens
from munjang.models.bert import Bert
from munjang.models.cnn import Cnn
from munjang.models.encoder import WideEncoder
from munjang.models.mean import Mean
from munjang.models.recurrent import Recurrent
from munjang.models.self_attention import SelfAttentionEncoder
from munjang.models.transformer import Transformer


@dataclass(frozen=True)
class Encoded:
    """Outputs of an encoder.

    Attributes:
        pooled: one vector per row, [batch, pooled dim].
        states: one vector per token, [batch, time, dim]; None if it builds none.
    """

    pooled: Value
    states: Value | None = None


def write_mean_encoder(graph: Graph, module: Mean, tokens: Tokens) -> Encoded:
    """Write the mean of the token vectors."""
    with graph.scope("embedding"):
        return Encoded(write_bag(graph, module.embedding, tokens, module.combiner))


def _add_bag(graph: Graph, module: WideEncoder, pooled: Value, tokens: Tokens) -> Value:
    """Append the bag of n-grams to the pooled vector, if there is one."""
    if module.bag is None:
        return pooled
    with graph.scope("bag"):
        bag = write_bag(graph, module.bag, tokens, "sqrtn")
    return graph.op("Concat", pooled, bag, axis=1)


def _pool(graph: Graph, module: Any, states: Value, tokens: Tokens) -> Value:
    pooled: Value = graph.write(module.pooling, states, tokens, name="pooling")
    return pooled


def write_cnn(graph: Graph, module: Cnn, tokens: Tokens) -> Encoded:
    """Write convolutions of several widths, and their pooling."""
    vectors = graph.write(module.embedding, tokens, name="embedding")
    with graph.scope("convolutions"):
        maps = write_convolutions(graph, module.convolutions, vectors)
    if module.is_elementwise:
        states = write_activation(graph, module.activation, maps)
    else:  # over the filters of each width
        sizes = np.array([layer.bias.shape[0] for layer in module.convolutions.layers()])
        parts = graph.ops("Split", maps, sizes, outputs=len(sizes), axis=2)
        applied = [write_activation(graph, module.activation, part) for part in parts]
        states = graph.op("Concat", *applied, axis=2) if len(applied) > 1 else applied[0]
    pooled = _pool(graph, module, states, tokens)
    return Encoded(_add_bag(graph, module, pooled, tokens), states)


def write_recurrent(graph: Graph, module: Recurrent, tokens: Tokens) -> Encoded:
    """Write stacked recurrent layers, and their pooling."""
    if module.ngrams_end:
        vectors = _vectors_of_ending_ngrams(graph, module, tokens)
    else:
        vectors = graph.write(module.embedding, tokens, name="embedding")
    states = graph.write(module.recurrent, vectors, tokens, name="recurrent")
    pooled = _pool(graph, module, states, tokens)
    return Encoded(_add_bag(graph, module, pooled, tokens), states)


def _vectors_of_ending_ngrams(graph: Graph, module: Recurrent, tokens: Tokens) -> Value:
    """Return vectors with the n-grams that end at each token: those of the reversed rows."""
    turned = Tokens(
        _reverse(graph, tokens.ids, tokens),
        tokens.lengths,
        tokens.places,
        tokens.mask,
        tokens.words,
    )
    return _reverse(graph, graph.write(module.embedding, turned, name="embedding"), tokens)


def _reverse(graph: Graph, rows: Value, tokens: Tokens) -> Value:
    """Reverse every row [batch, time, ...] within its own length."""
    lengths = graph.op("Max", tokens.lengths, 1)
    return graph.op("ReverseSequence", rows, lengths, batch_axis=0, time_axis=1)


def _write_blocks(
    graph: Graph, module: SelfAttentionEncoder, states: Value, tokens: Tokens
) -> Value:
    visible = write_visible_keys(graph, tokens)
    width = module.rotary_dim
    rotary = None if width is None else write_rotary(graph, tokens.places, width)
    for number, block in enumerate(module.blocks):
        with graph.scope(f"blocks.{number}"):
            states, _ = write_block(graph, block, states, visible, rotary)  # type: ignore[arg-type]
    return states


def write_transformer(graph: Graph, module: Transformer, tokens: Tokens) -> Encoded:
    """Write self-attention layers with the norm before each sublayer, and their pooling."""
    states = graph.write(module.embedding, tokens, name="embedding")
    if module.positions is not None:
        dim = module.embedding.dim
        states = graph.write(module.positions, states, tokens.places, dim, name="positions")
    states = _write_blocks(graph, module, states, tokens)
    states = write_norm(graph, module.norm, states, "norm")
    pooled = _pool(graph, module, states, tokens)
    return Encoded(_add_bag(graph, module, pooled, tokens), states)


def write_bert(graph: Graph, module: Bert, tokens: Tokens) -> Encoded:
    """Write BERT's layers, with the norm after each sublayer, and their pooling."""
    vectors = graph.write(module.embedding, tokens, name="embedding")
    vectors = graph.op("Add", vectors, graph.write(module.segments, tokens.ids, name="segments"))
    dim = module.embedding.dim
    states = graph.write(module.positions, vectors, tokens.places, dim, name="positions")
    states = write_norm(graph, module.embedding_norm, states, "embedding_norm")
    states = _write_blocks(graph, module, states, tokens)
    pooled = _pool(graph, module, states, tokens)
    if module.pooler is not None:
        assert isinstance(module.pooler, nn.Linear)
        pooled = graph.op("Tanh", write_linear(graph, module.pooler, pooled, "pooler"))
    return Encoded(_add_bag(graph, module, pooled, tokens), states)
