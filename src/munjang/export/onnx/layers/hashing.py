"""Hashed n-grams inside the graph, bit for bit those of `munjang.layers.hashing`.

Products of int64 wrap around as in NumPy. A shift exists for numbers without sign only; it gives
the same bits, as those that the sign would fill are cut off afterwards.
"""

import numpy as np

from munjang.export.onnx.graph import Array, Graph, Value
from munjang.layers.hashing import POSITIVE, SHIFT, SPREAD, STEP


def write_hashes(
    graph: Graph, ids: Value, lengths: Value, longest: int, buckets: int
) -> tuple[Value, Value]:
    """Hash every n-gram, n = 2 .. `longest`, at the place where it starts.

    Args:
        graph: the graph.
        ids: [rows, time] int64, PAD at padding.
        lengths: [rows] int64.
        longest: the largest n.
        buckets: number of buckets.

    Returns:
        Hashes in [0, buckets), and whether the n-gram ends within its row, both [rows, time,
        longest - 1].
    """
    padded = graph.op("Pad", ids, np.array([0, 0, 0, longest - 1]), 0)
    rolling, hashes = ids, []
    for n in range(1, longest):
        end = n - longest + 1 or np.iinfo(np.int64).max
        following = graph.op("Slice", padded, [n], [end], [1])
        rolling = graph.op("Add", graph.op("Mul", rolling, STEP), following)
        hashes.append(graph.op("Unsqueeze", rolling, [2]))
    joined = graph.op("Concat", *hashes, axis=2) if len(hashes) > 1 else hashes[0]
    mixed = graph.op("Cast", graph.op("Mul", joined, SPREAD), to=graph.kind("u8"))
    shifted = graph.op("BitShift", mixed, np.uint64(SHIFT), direction="RIGHT")
    positive = graph.op("BitwiseAnd", graph.op("Cast", shifted, to=graph.kind("i8")), POSITIVE)
    return graph.op("Mod", positive, buckets), _fit(graph, ids, lengths, longest)


def _fit(graph: Graph, ids: Value, lengths: Value, longest: int) -> Value:
    """Return whether an n-gram that starts at a place ends within its row."""
    time = graph.op("Squeeze", graph.op("Shape", ids, start=1, end=2), [0])
    places = graph.op("Unsqueeze", graph.op("Range", 0, time, 1), [1])
    ends = graph.op("Add", places, np.arange(2, longest + 1))
    return graph.op("LessOrEqual", ends, graph.op("Unsqueeze", lengths, [1, 2]))


def write_are_set(graph: Graph, name: str, bits: Array, places: Value) -> Value:
    """Return whether bits of a bit set (`munjang.layers.fast.bits`) at some places >= 0 are set."""
    octets = graph.op("Gather", graph.weight(name, bits), graph.op("Div", places, 8), axis=0)
    flags = 0x80 >> np.arange(8)
    flag = graph.op("Gather", flags, graph.op("Mod", places, 8), axis=0)
    found = graph.op("BitwiseAnd", graph.op("Cast", octets, to=graph.kind("i8")), flag)
    return graph.op("Not", graph.op("Equal", found, 0))
