"""Language models as a graph that reads some more tokens.

    ids, previous tokens, state  ->  logits of the next token, state

The whole beginning of a text is read in one run from an empty state, and each further token in a
run of its own. Every row of a batch has equally many tokens.
"""

from typing import Any

import numpy as np
from torch import nn

from munjang.export.onnx.graph import Graph, Value
from munjang.export.onnx.layers.attention import KeysValues, write_block
from munjang.export.onnx.layers.dense import write_linear, write_norm
from munjang.export.onnx.layers.embedding import write_tied_matrix
from munjang.export.onnx.layers.positions import write_rotary
from munjang.export.onnx.layers.recurrent import to_time_first, write_fused
from munjang.export.onnx.layers.tokens import Tokens
from munjang.layers.carried_recurrent import CarriedRecurrent
from munjang.models.language.model import LanguageModel
from munjang.models.language.recurrent import RecurrentLanguageModel
from munjang.models.language.transformer import TransformerLanguage
from munjang.text.vocabulary import PAD

# No number is smaller: a slice to it goes on to the beginning.
_BEGINNING = int(np.iinfo(np.int64).min) + 1


def _write_token_vectors(graph: Graph, module: LanguageModel, ids: Value, previous: Value) -> Value:
    """Return the vectors of tokens with the n-grams that end at them, [rows, time, dim]."""
    joined = graph.op("Concat", previous, ids, axis=1)
    turned = _flip(graph, joined)
    mask = graph.op("Not", graph.op("Equal", turned, PAD))
    lengths = graph.op("ReduceSum", graph.op("Cast", mask, to=graph.kind("i8")), [1], keepdims=0)
    tokens = Tokens(turned, lengths, "", mask)
    vectors = _flip(graph, graph.write(module.embedding, tokens, name="embedding"))
    if not module.before:
        return vectors
    return graph.op("Slice", vectors, [module.before], [np.iinfo(np.int64).max], [1])


def _flip(graph: Graph, rows: Value) -> Value:
    """Reverse rows [rows, time, ...], padding included."""
    return graph.op("Slice", rows, [-1], [_BEGINNING], [1], [-1])


def _write_next_logits(graph: Graph, module: LanguageModel, states: Value) -> Value:
    """Return the logits [rows, vocabulary] of the token after the last one."""
    last = graph.op("Gather", states, -1, axis=1)
    if module.output is not None:
        assert isinstance(module.output, nn.Linear)
        return write_linear(graph, module.output, last, "output")
    if module.adapter is not None:
        last = write_linear(graph, module.adapter, last, "adapter")  # type: ignore[arg-type]
    with graph.scope("embedding"):
        matrix = write_tied_matrix(graph, module.embedding)
    assert module.bias is not None
    return graph.op("Add", graph.op("MatMul", last, matrix), graph.weight("bias", module.bias))


def _add_inputs(graph: Graph, module: LanguageModel) -> tuple[Value, Value]:
    ids = graph.input("ids", np.int64, ["rows", "time"])
    return ids, graph.input("previous", np.int64, ["rows", module.before])


def write_recurrent_language(module: RecurrentLanguageModel, graph: Graph) -> None:
    """Write a recurrent language model, whose state is that of every layer."""
    ids, previous = _add_inputs(graph, module)
    vectors = _write_token_vectors(graph, module, ids, previous)
    carried = module.recurrent
    shape: list[str | int] = ["rows", len(carried.forwards), carried.parts, carried.hidden]
    state = graph.input("state_hidden", np.float32, shape)
    with graph.scope("recurrent"):
        states, after = write_carried(graph, carried, vectors, state)
    logits = _write_next_logits(graph, module, states)
    graph.output(logits, "logits", np.float32, ["rows", module.vocabulary_size])
    graph.output(after, "next_hidden", np.float32, shape)


def write_carried(
    graph: Graph, module: CarriedRecurrent, vectors: Value, state: Value
) -> tuple[Value, Value]:
    """Return states [rows, time, hidden], and the state after them."""
    return write_layers_from(graph, list(module.forwards), vectors, state, module.parts)


def write_layers_from(
    graph: Graph, layers: list[Any], vectors: Value, state: Value, parts: int
) -> tuple[Value, Value]:
    """Run stacked layers, left to right, from a state [rows, layers, parts, hidden]."""
    x, ends = to_time_first(graph, vectors), []
    for number, layer in enumerate(layers):
        with graph.scope(f"forwards.{number}"):
            own = graph.op("Gather", state, number, axis=1)
            first = [
                graph.op("Unsqueeze", graph.op("Gather", own, part, axis=1), [0])
                for part in range(parts)
            ]
            y, after = write_fused(graph, [layer], x, None, first)
            x = graph.op("Squeeze", y, [1])
            # [1, rows, hidden] each to [rows, 1, parts, hidden]
            stacked = graph.op("Concat", *after, axis=0) if parts > 1 else after[0]
            ends.append(graph.op("Unsqueeze", graph.op("Transpose", stacked, perm=[1, 0, 2]), [1]))
    joined = graph.op("Concat", *ends, axis=1) if len(ends) > 1 else ends[0]
    return graph.op("Transpose", x, perm=[1, 0, 2]), joined


def write_transformer_language(module: TransformerLanguage, graph: Graph) -> None:
    """Write a causal Transformer, whose state is the keys and values of its present window."""
    ids, previous = _add_inputs(graph, module)
    states = _write_token_vectors(graph, module, ids, previous)
    blocks: list[Any] = list(module.blocks)
    heads = blocks[0].attention.heads
    past = [add_past(graph, number, heads, module.rotary_dim) for number in range(len(blocks))]
    places, visible = write_causal_places(graph, ids, past[0])
    rotary = write_rotary(graph, places, module.rotary_dim)
    after = []
    for number, block in enumerate(blocks):
        with graph.scope(f"blocks.{number}"):
            states, known = write_block(graph, block, states, visible, rotary, past[number])
            after.append(known)
    logits = _write_next_logits(graph, module, write_norm(graph, module.norm, states, "norm"))
    graph.output(logits, "logits", np.float32, ["rows", module.vocabulary_size])
    for number, known in enumerate(after):
        output_present(graph, number, known, heads, module.rotary_dim)


def add_past(graph: Graph, number: int, heads: int, width: int) -> KeysValues:
    """Add the inputs of keys and values of a layer, [rows, heads, past, width] each."""
    shape: list[str | int] = ["rows", heads, "past", width]
    return KeysValues(
        *(graph.input(f"state_{part}_{number}", np.float32, shape) for part in ("keys", "values"))
    )


def output_present(graph: Graph, number: int, known: KeysValues, heads: int, width: int) -> None:
    """Add the outputs of keys and values of a layer."""
    shape: list[str | int] = ["rows", heads, "present", width]
    graph.output(known.keys, f"next_keys_{number}", np.float32, shape)
    graph.output(known.values, f"next_values_{number}", np.float32, shape)


def write_causal_places(graph: Graph, ids: Value, past: KeysValues) -> tuple[Value, Value]:
    """Return the places of new tokens [time], and which keys each may attend to.

    The latter is [time, past + time].
    """
    read = graph.op("Squeeze", graph.op("Shape", past.keys, start=2, end=3), [0])
    time = graph.op("Squeeze", graph.op("Shape", ids, start=1, end=2), [0])
    whole = graph.op("Add", read, time)
    places = graph.op("Range", read, whole, 1)
    keys = graph.op("Range", 0, whole, 1)
    return places, graph.op("LessOrEqual", keys, graph.op("Unsqueeze", places, [1]))
