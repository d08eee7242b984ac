"""Rows of tokens as inputs of a graph."""

from dataclasses import dataclass

import numpy as np

from munjang.export.onnx.graph import Graph, Value


@dataclass(frozen=True)
class Words:
    """Words out of the vocabulary, whose ids follow those of the vocabulary.

    Attributes:
        units: numbers of their letters or jamo with both boundaries, [words, units] int64.
        lengths: how many of them are real, [words] int64.
    """

    units: Value
    lengths: Value


@dataclass(frozen=True)
class Tokens:
    """A batch of rows.

    Attributes:
        ids: [batch, time] int64.
        lengths: real tokens of each row, [batch] int64.
        places: 0, 1, ..., [time] int64.
        mask: True = real token, [batch, time].
        words: words out of the vocabulary; None if they are read as OOV.
    """

    ids: Value
    lengths: Value
    places: Value
    mask: Value
    words: Words | None = None


def add_tokens(graph: Graph, prefix: str = "", words: Words | None = None) -> Tokens:
    """Add the inputs ids and lengths, with a prefix as in `first_ids`."""
    ids = graph.input(f"{prefix}ids", np.int64, ["batch", f"{prefix}time"])
    lengths = graph.input(f"{prefix}lengths", np.int64, ["batch"])
    with graph.scope(f"{prefix}mask"):
        return mask_tokens(graph, ids, lengths, words)


def mask_tokens(graph: Graph, ids: Value, lengths: Value, words: Words | None = None) -> Tokens:
    """Return tokens with the mask that follows from their lengths."""
    time = graph.op("Squeeze", graph.op("Shape", ids, start=1, end=2), [0])
    places = graph.op("Range", 0, time, 1)
    mask = graph.op("Less", places, graph.op("Unsqueeze", lengths, [1]))
    return Tokens(ids, lengths, places, mask, words)


def add_words(graph: Graph) -> Words:
    """Add the inputs of words out of the vocabulary."""
    return Words(
        graph.input("word_ids", np.int64, ["words", "units"]),
        graph.input("word_lengths", np.int64, ["words"]),
    )


def mask_states(graph: Graph, states: Value, tokens: Tokens, filler: float) -> Value:
    """Return states [batch, time, dim] with a number at padding."""
    return graph.op("Where", graph.op("Unsqueeze", tokens.mask, [2]), states, filler)


def count_real(graph: Graph, tokens: Tokens) -> Value:
    """Return the number of real tokens of each row, at least 1, [batch, 1] float32."""
    counts = graph.op("Cast", graph.op("Max", tokens.lengths, 1), to=graph.kind("f4"))
    return graph.op("Unsqueeze", counts, [1])
