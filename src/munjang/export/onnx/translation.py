"""Encoder-decoders as two graphs: the source once, and then a token at a time.

    encoder   ids, lengths of the sources         ->  source, state before the first token
    step      the last token, source, state       ->  logits of the next token, state

Names of what the encoder gives begin with `source_`, and those of the state with `state_`; after a
step the state begins with `next_`. All have a row per hypothesis.
"""

from typing import Any

import numpy as np
from torch import nn

from munjang.export.onnx.graph import Graph, Value
from munjang.export.onnx.language import add_past, output_present, write_layers_from
from munjang.export.onnx.layers.attention import (
    KeysValues,
    write_block,
    write_decoder_block,
    write_source_keys_values,
    write_visible_keys,
)
from munjang.export.onnx.layers.dense import write_linear, write_norm
from munjang.export.onnx.layers.pooling import write_masked_softmax
from munjang.export.onnx.layers.positions import RotaryAngles, write_rotary
from munjang.export.onnx.layers.recurrent import write_stacked_with_ends
from munjang.export.onnx.layers.tokens import Tokens, add_tokens, mask_states
from munjang.layers.global_attention import GlobalAttention
from munjang.layers.pair_embedding import PairEmbedding
from munjang.layers.recurrent_decoder import PARTS, Bridge
from munjang.models.sequence_to_sequence.attentive import Attentive
from munjang.models.sequence_to_sequence.recurrent import RecurrentEncoderDecoder
from munjang.models.sequence_to_sequence.seq2seq import Seq2Seq
from munjang.models.sequence_to_sequence.transformer import TransformerEncoderDecoder
from munjang.text.vocabulary import PAD


def _embed(graph: Graph, module: PairEmbedding, table: nn.Parameter, ids: Value) -> Value:
    """Return rows of a table, [rows, time, dim]; PAD gives zeros."""
    name = next(name for name, own in module.named_parameters() if own is table)
    with graph.scope("embedding"):
        vectors = graph.look_up(graph.table(name, table), ids)
        is_real = graph.op("Unsqueeze", graph.op("Not", graph.op("Equal", ids, PAD)), [-1])
        return graph.op("Where", is_real, vectors, 0.0)


def _embed_source(graph: Graph, module: PairEmbedding, ids: Value) -> Value:
    table = module.target_table if module.source_table is None else module.source_table
    return _embed(graph, module, table, ids)


def _write_logits(graph: Graph, module: PairEmbedding, states: Value) -> Value:
    tied = module.output_table is None
    name, table = (
        ("target_table", module.target_table) if tied else ("output_table", module.output_table)
    )
    assert table is not None
    with graph.scope("embedding"):
        rows = graph.table(name, table)
        matrix = graph.op("Transpose", graph.first_rows(rows, rows.count), perm=[1, 0])
        return graph.op(
            "Add", graph.op("MatMul", states, matrix), graph.weight("bias", module.bias)
        )


def _output_logits(graph: Graph, module: PairEmbedding, states: Value) -> None:
    """Add the logits [rows, vocabulary] of states [rows, dim] as an output."""
    logits = _write_logits(graph, module, states)
    graph.output(logits, "logits", np.float32, ["rows", len(module.target_table)])


def _add_source_tokens(graph: Graph, module: PairEmbedding) -> tuple[Tokens, Value]:
    """Return the tokens of the sources, and their ids with PAD at padding."""
    tokens = add_tokens(graph)
    return tokens, graph.op("Where", tokens.mask, tokens.ids, PAD)


def _add_last_token(graph: Graph) -> Value:
    return graph.input("ids", np.int64, ["rows", 1])


# Transformer ------------------------------------------------------------------------------------


def _add_positions(
    graph: Graph, module: TransformerEncoderDecoder, vectors: Value, places: Value, side: str
) -> Value:
    states = graph.op("Mul", vectors, float(module.scale))
    positions = getattr(module, f"{side}_positions")
    if positions is None:
        return states
    dim = module.embedding.dim
    added: Value = graph.write(positions, states, places, dim, name=f"{side}_positions")
    return added


def _rotary(graph: Graph, module: TransformerEncoderDecoder, places: Value) -> RotaryAngles | None:
    width = module.rotary_dim
    return None if width is None else write_rotary(graph, places, width)


def _final_norm(graph: Graph, norm: nn.Module, states: Value, name: str) -> Value:
    return write_norm(graph, norm, states, name) if isinstance(norm, nn.LayerNorm) else states


def _heads(module: TransformerEncoderDecoder) -> tuple[int, int]:
    """Return the number of heads and the width of each."""
    heads = module.decoder[0].attention.heads  # type: ignore[union-attr]
    return int(heads), module.embedding.dim // int(heads)  # type: ignore[arg-type]


def write_transformer_encoder(module: TransformerEncoderDecoder, graph: Graph) -> None:
    """Write the encoder: keys and values of the source per layer of the decoder."""
    tokens, ids = _add_source_tokens(graph, module.embedding)
    vectors = _embed_source(graph, module.embedding, ids)
    states = _add_positions(graph, module, vectors, tokens.places, "source")
    visible, rotary = write_visible_keys(graph, tokens), _rotary(graph, module, tokens.places)
    for number, block in enumerate(module.encoder):
        with graph.scope(f"encoder.{number}"):
            states, _ = write_block(graph, block, states, visible, rotary)  # type: ignore[arg-type]
    states = _final_norm(graph, module.encoder_norm, states, "encoder_norm")
    shown = graph.op("Squeeze", visible, [1, 2])
    graph.output(shown, "source_visible", np.bool_, ["batch", "time"])
    heads, width = _heads(module)
    for number, layer in enumerate(module.decoder):
        with graph.scope(f"decoder.{number}/cross"):
            known = write_source_keys_values(graph, layer.cross, states)  # type: ignore[arg-type]
        shape: list[str | int] = ["batch", heads, "time", width]
        graph.output(known.keys, f"source_keys_{number}", np.float32, shape)
        graph.output(known.values, f"source_values_{number}", np.float32, shape)


def write_transformer_step(module: TransformerEncoderDecoder, graph: Graph) -> None:
    """Write a step of the decoder, whose state is the keys and values of the answer so far."""
    ids = _add_last_token(graph)
    heads, width = _heads(module)
    layers: list[Any] = list(module.decoder)
    visible = graph.input("source_visible", np.bool_, ["rows", "source_time"])
    shape: list[str | int] = ["rows", heads, "source_time", width]
    sources = [
        KeysValues(
            *(graph.input(f"source_{part}_{n}", np.float32, shape) for part in ("keys", "values"))
        )
        for n in range(len(layers))
    ]
    past = [add_past(graph, number, heads, width) for number in range(len(layers))]
    places = graph.op("Shape", past[0].keys, start=2, end=3)  # that of the last token
    vectors = _embed(graph, module.embedding, module.embedding.target_table, ids)
    states = _add_positions(graph, module, vectors, places, "target")
    rotary = _rotary(graph, module, places)
    shown = graph.op("Unsqueeze", visible, [1, 2])
    for number, layer in enumerate(layers):
        with graph.scope(f"decoder.{number}"):
            states, known = write_decoder_block(
                graph, layer, states, rotary, past[number], sources[number], shown
            )
        output_present(graph, number, known, heads, width)
    states = _final_norm(graph, module.decoder_norm, states, "decoder_norm")
    _output_logits(graph, module.embedding, graph.op("Squeeze", states, [1]))


# Recurrent --------------------------------------------------------------------------------------


def _encode(
    graph: Graph, module: RecurrentEncoderDecoder, *, reverse: bool
) -> tuple[Tokens, Value, Value]:
    """Return tokens, encoder states [rows, time, hidden], and the decoder's initial state."""
    tokens, ids = _add_source_tokens(graph, module.embedding)
    if reverse:
        lengths = graph.op("Max", tokens.lengths, 1)
        ids = graph.op("ReverseSequence", ids, lengths, batch_axis=0, time_axis=1)
    vectors = graph.op("Mul", _embed_source(graph, module.embedding, ids), float(module.scale))
    with graph.scope("encoder"):
        states, ends = write_stacked_with_ends(graph, module.encoder, vectors, tokens)
    # per layer parts [directions, rows, hidden] to [rows, 1, parts, directions x hidden]
    layers = []
    for parts in ends:
        rows = [
            graph.op(
                "Unsqueeze",
                graph.op("Reshape", graph.op("Transpose", part, perm=[1, 0, 2]), [0, -1]),
                [1],
            )
            for part in parts
        ]
        joined = graph.op("Concat", *rows, axis=1) if len(rows) > 1 else rows[0]
        layers.append(graph.op("Unsqueeze", joined, [1]))
    initial = graph.op("Concat", *layers, axis=1) if len(layers) > 1 else layers[0]
    if module.bridge is not None:
        with graph.scope("bridge"):
            initial = _write_bridge(graph, module.bridge, initial)
    return tokens, states, initial


def _write_bridge(graph: Graph, module: Bridge, ends: Value) -> Value:
    """Map final states [rows, layers, parts, hidden] to initial ones."""
    shape = graph.op("Shape", ends)
    flat = graph.op("Reshape", ends, [0, len(module.projections), -1])
    mapped = []
    for number, projection in enumerate(module.projections):
        end = graph.op("Gather", flat, number, axis=1)
        linear = write_linear(graph, projection, end, f"projections.{number}")  # type: ignore[arg-type]
        mapped.append(graph.op("Unsqueeze", graph.op("Tanh", linear), [1]))
    return graph.op("Reshape", graph.op("Concat", *mapped, axis=1), shape)


def _state_shape(module: RecurrentEncoderDecoder) -> list[str | int]:
    decoder = module.decoder
    return ["rows", len(decoder.layers), PARTS[decoder.cell], decoder.hidden]


def _embed_last(graph: Graph, module: RecurrentEncoderDecoder, ids: Value) -> Value:
    vectors = _embed(graph, module.embedding, module.embedding.target_table, ids)
    return graph.op("Mul", vectors, float(module.scale))


def _run_decoder(
    graph: Graph, module: RecurrentEncoderDecoder, vectors: Value, state: Value
) -> Value:
    """Return the hidden states [rows, 1, hidden], and add the state after them as an output."""
    decoder = module.decoder
    with graph.scope("decoder"):
        states, after = write_layers_from(
            graph, list(decoder.layers), vectors, state, PARTS[decoder.cell]
        )
    graph.output(after, "next_hidden", np.float32, _state_shape(module))
    return states


def _project(graph: Graph, module: RecurrentEncoderDecoder, states: Value) -> None:
    """Add the logits of states [rows, 1, hidden] as an output."""
    last = graph.op("Squeeze", states, [1])
    if module.to_out_dim is not None:
        last = write_linear(graph, module.to_out_dim, last, "to_out_dim")
    _output_logits(graph, module.embedding, last)


def write_seq2seq_encoder(module: Seq2Seq, graph: Graph) -> None:
    """Write the encoder: the decoder's initial state is all that it gives."""
    _, _, initial = _encode(graph, module, reverse=module.reverse_source)
    graph.output(initial, "state_hidden", np.float32, _state_shape(module))


def write_seq2seq_step(module: Seq2Seq, graph: Graph) -> None:
    """Write a step of the decoder."""
    ids = _add_last_token(graph)
    state = graph.input("state_hidden", np.float32, _state_shape(module))
    states = _run_decoder(graph, module, _embed_last(graph, module, ids), state)
    _project(graph, module, states)


def write_attentive_encoder(module: Attentive, graph: Graph) -> None:
    """Write the encoder: its states as keys and values, and the decoder's initial state."""
    tokens, states, initial = _encode(graph, module, reverse=False)
    states = mask_states(graph, states, tokens, 0.0)
    keys, hidden = states, module.decoder.hidden
    attention = module.attention
    if attention.key_projection is not None:
        keys = write_linear(graph, attention.key_projection, states, "attention/key_projection")
    graph.output(states, "source_values", np.float32, ["batch", "time", hidden])
    graph.output(keys, "source_keys", np.float32, ["batch", "time", hidden])
    graph.output(tokens.mask, "source_mask", np.bool_, ["batch", "time"])
    graph.output(initial, "state_hidden", np.float32, _state_shape(module))
    if module.has_input_feeding:
        zeros = graph.op("Mul", graph.op("ReduceSum", states, [1], keepdims=0), 0.0)
        graph.output(zeros, "state_attentional", np.float32, ["batch", hidden])


def write_attentive_step(module: Attentive, graph: Graph) -> None:
    """Write a step of the decoder, with attention before or after its cell."""
    hidden = module.decoder.hidden
    ids = _add_last_token(graph)
    values, keys = (
        graph.input(f"source_{part}", np.float32, ["rows", "source_time", hidden])
        for part in ("values", "keys")
    )
    mask = graph.input("source_mask", np.bool_, ["rows", "source_time"])
    state = graph.input("state_hidden", np.float32, _state_shape(module))
    vectors, context = _embed_last(graph, module, ids), None

    def attend(queries: Value) -> Value:
        return _attend(graph, module.attention, queries, keys, values, mask)

    if module.attends_before_cell:
        highest = graph.op("Gather", graph.op("Gather", state, -1, axis=1), 0, axis=1)
        context = attend(graph.op("Unsqueeze", highest, [1]))
        vectors = graph.op("Concat", vectors, context, axis=2)
    elif module.has_input_feeding:
        fed = graph.input("state_attentional", np.float32, ["rows", hidden])
        vectors = graph.op("Concat", vectors, graph.op("Unsqueeze", fed, [1]), axis=2)
    states = _run_decoder(graph, module, vectors, state)
    context = attend(states) if context is None else context
    joined = graph.op("Concat", context, states, axis=2)
    attentional = graph.op("Tanh", write_linear(graph, module.combine, joined, "combine"))
    if module.has_input_feeding:
        last = graph.op("Squeeze", attentional, [1])
        graph.output(last, "next_attentional", np.float32, ["rows", hidden])
    _project(graph, module, attentional)


def _attend(
    graph: Graph,
    module: GlobalAttention,
    queries: Value,
    keys: Value,
    values: Value,
    mask: Value,
) -> Value:
    """Return the context [rows, 1, hidden] of queries [rows, 1, hidden]."""
    with graph.scope("attention"):
        if module.query_projection is None or module.score_projection is None:
            scores = graph.op("MatMul", queries, graph.op("Transpose", keys, perm=[0, 2, 1]))
        else:
            # one query per row: [rows, 1, hidden] is added to [rows, source time, hidden]
            asked = write_linear(graph, module.query_projection, queries, "query_projection")
            hidden = graph.op("Tanh", graph.op("Add", asked, keys))
            scored = write_linear(graph, module.score_projection, hidden, "score_projection")
            scores = graph.op("Transpose", scored, perm=[0, 2, 1])
        weights = write_masked_softmax(graph, scores, graph.op("Unsqueeze", mask, [1]))
        return graph.op("MatMul", weights, values)
