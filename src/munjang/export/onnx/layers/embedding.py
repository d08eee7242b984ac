"""Embeddings of tokens, of their hashed n-grams and of their character n-grams."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from munjang.errors import ConfigError
from munjang.export.onnx.graph import Graph, Table, Value
from munjang.export.onnx.layers.hashing import write_are_set, write_hashes
from munjang.export.onnx.layers.tokens import Tokens, Words, count_real
from munjang.layers.embedding import Combiner, TokenEmbedding
from munjang.layers.ngram_rows import COUNT_CELLS, NgramRows
from munjang.layers.segments import SegmentEmbedding
from munjang.layers.subword_embedding import MAX_NGRAMS, MIN_N, SubwordEmbedding
from munjang.layers.subword_table import SubwordTable
from munjang.layers.tfidf_linear import TfidfLinear
from munjang.text.vocabulary import EOS, OOV, PAD

# Tokens whose character n-grams are added up at once.
_CHUNK = 4096


def write_visible_ids(graph: Graph, tokens: Tokens, vocabulary_size: int) -> Value:
    """Return ids with PAD at padding and OOV beyond the vocabulary, [batch, time]."""
    real = graph.op("Where", tokens.mask, tokens.ids, PAD)
    return graph.op("Where", graph.op("Less", real, vocabulary_size), real, OOV)


def write_embedding(graph: Graph, module: TokenEmbedding, tokens: Tokens) -> Value:
    """Return one vector per token, [batch, time, dim]; zeros at padding."""
    table, rows = _table(graph, module), _rows(graph, module, tokens)
    vectors = graph.look_up(table, rows)
    if module.ngrams > 1:
        vectors = graph.op("ReduceSum", vectors, [2], keepdims=0)
    words = _word_vectors(graph, module, tokens)
    return vectors if words is None else graph.op("Add", vectors, words)


def write_bag(graph: Graph, module: TokenEmbedding, tokens: Tokens, combiner: Combiner) -> Value:
    """Return the combined vector of each row, [batch, dim]."""
    vectors = graph.look_up(_table(graph, module), _rows(graph, module, tokens))
    axes = [1, 2] if module.ngrams > 1 else [1]
    sums = graph.op("ReduceSum", vectors, axes, keepdims=0)
    words = _word_vectors(graph, module, tokens)
    if words is not None:
        sums = graph.op("Add", sums, graph.op("ReduceSum", words, [1], keepdims=0))
    counts = count_real(graph, tokens)
    return graph.op("Div", sums, graph.op("Sqrt", counts) if combiner == "sqrtn" else counts)


def _table(graph: Graph, module: TokenEmbedding) -> Table:
    """Return all rows. A token's character n-grams never change: they are part of its row."""
    if module.subwords is None:
        return graph.table("weight", module.weight)
    weight = module.weight.detach().clone()
    weight[: module.vocabulary_size] += _fold(module.subwords, module.vocabulary_size)
    return graph.table("weight", weight)


def write_tied_matrix(graph: Graph, module: TokenEmbedding) -> Value:
    """Return the rows of the vocabulary as the matrix of an output layer, [dim, vocabulary]."""
    if module.subwords is None:
        rows = graph.first_rows(_table(graph, module), module.vocabulary_size)
        return graph.op("Transpose", rows, perm=[1, 0])
    # the rows without their character n-grams
    return graph.matrix("tied", module.weight.detach()[: module.vocabulary_size].T, axis=1)


@torch.no_grad()
def _fold(subwords: SubwordTable, size: int) -> Tensor:
    """Return the sum of the character n-grams of every token of the vocabulary, [size, dim]."""
    ids = torch.arange(size)
    return torch.cat([subwords(part[None])[0] for part in torch.split(ids, _CHUNK)])


def _rows(graph: Graph, module: TokenEmbedding, tokens: Tokens) -> Value:
    """Return the rows of each token and its n-grams: [batch, time, ngrams], or [batch, time]."""
    visible = write_visible_ids(graph, tokens, module.vocabulary_size)
    if module.ngrams == 1:
        return visible
    with graph.scope("rows"):
        hashed = _hashed_rows(graph, module.rows, visible, tokens)
    return graph.op("Concat", graph.op("Unsqueeze", visible, [2]), hashed, axis=2)


def _hashed_rows(graph: Graph, rows: NgramRows, ids: Value, tokens: Tokens) -> Value:
    if rows.min_frequency == 1:
        hashed, exists = write_hashes(graph, ids, tokens.lengths, rows.longest, rows.buckets)
    else:
        cells, fits = write_hashes(graph, ids, tokens.lengths, rows.longest, COUNT_CELLS)
        kept = write_are_set(graph, "kept", rows.kept.cpu().numpy(), cells)
        hashed, exists = graph.op("Mod", cells, rows.buckets), graph.op("And", fits, kept)
    return graph.op("Where", exists, graph.op("Add", hashed, rows.first_row), PAD)


def _word_vectors(graph: Graph, module: TokenEmbedding, tokens: Tokens) -> Value | None:
    """Return the character n-grams of words out of the vocabulary, [batch, time, dim].

    Zeros at all other tokens; None if the graph gets no such words.
    """
    if module.subwords is None or tokens.words is None:
        return None
    words = graph.write(module.subwords, tokens.words, name="subwords")
    # the first row is for all tokens that are none of the words
    none = np.zeros((1, module.dim), dtype=np.float32)
    real = graph.op("Where", tokens.mask, tokens.ids, PAD)
    places = graph.op("Max", graph.op("Sub", real, module.vocabulary_size - 1), 0)
    return graph.op("Gather", graph.op("Concat", none, words, axis=0), places, axis=0)


def write_subwords(graph: Graph, module: SubwordEmbedding, words: Words) -> Value:
    """Return the vectors of words, [words, dim], from their letters."""
    cells = 8 * module.shared.numel()
    hashed, fits = write_hashes(graph, words.units, words.lengths, module.max_n, cells)
    # n-grams of two units have no rows
    kept = [
        graph.op("Slice", part, [MIN_N - 2], [np.iinfo(np.int64).max], [2])
        for part in (hashed, fits)
    ]
    grams, exist = (graph.op("Flatten", part, axis=1) for part in kept)
    shared = write_are_set(graph, "shared", module.shared.cpu().numpy(), grams)
    exist = graph.op("And", exist, shared)
    order = graph.op("CumSum", graph.op("Cast", exist, to=graph.kind("i4")), 1)
    exist = graph.op("And", exist, graph.op("LessOrEqual", order, np.int32(MAX_NGRAMS)))
    rows = graph.op("Add", graph.op("Mod", grams, len(module.weight) - 1), 1)
    rows = graph.op("Where", exist, rows, PAD)
    vectors = graph.look_up(graph.table("weight", module.weight), rows)
    sums = graph.op("ReduceSum", vectors, [1], keepdims=0)
    counts = graph.op("ReduceSum", graph.op("Cast", exist, to=graph.kind("f4")), [1], keepdims=1)
    return graph.op("Div", sums, graph.op("Sqrt", graph.op("Max", counts, 1.0)))


def write_unknown_fasttext(graph: Graph, module: Any, words: Words) -> Value:
    """Refuse: the hash of fastText reads bytes of UTF-8, which no standard operator does.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        "model.subword_scheme: export onnx writes the character n-grams of the scheme sum only, as "
        "those of fasttext are hashed from bytes; train with --set model.subword_scheme=sum"
    )


def write_segments(graph: Graph, module: SegmentEmbedding, ids: Value) -> Value:
    """Return the vectors of the segments of `ids` [batch, time]."""
    ends = graph.op("Cast", graph.op("Equal", ids, EOS), to=graph.kind("i8"))
    numbers = graph.op("CumSum", ends, 1, exclusive=1)
    last = graph.op("Min", numbers, len(module.weight) - 1)
    return graph.look_up(graph.table("weight", module.weight), last)


def write_tfidf(graph: Graph, module: TfidfLinear, tokens: Tokens) -> Value:
    """Return the logits of the linear model, [batch, outputs]."""
    terms = write_visible_ids(graph, tokens, module.vocabulary_size)
    if module.ngrams > 1:
        buckets = len(module.idf) - module.vocabulary_size
        hashed, fits = write_hashes(graph, terms, tokens.lengths, module.ngrams, buckets)
        pairs = graph.op("Where", fits, graph.op("Add", hashed, module.vocabulary_size), PAD)
        joined = graph.op("Concat", graph.op("Unsqueeze", terms, [2]), pairs, axis=2)
        terms = graph.op("Flatten", joined, axis=1)
    idf = graph.op("Gather", graph.weight("idf", module.idf), terms, axis=0)
    norm = graph.op("Max", graph.op("ReduceL2", idf, [1], keepdims=1), 1e-9)
    values = graph.op("Unsqueeze", graph.op("Div", idf, norm), [1])
    weights = graph.look_up(graph.table("weight", module.weight), terms)
    logits = graph.op("Squeeze", graph.op("MatMul", values, weights), [1])
    return graph.op("Add", logits, graph.weight("bias", module.bias))
