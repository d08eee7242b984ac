"""Positions of tokens: added vectors, or rotated queries and keys."""

from dataclasses import dataclass

import numpy as np

from munjang.export.onnx.graph import Graph, Value
from munjang.layers.position import LearnedPositions, SinusoidalPositions


@dataclass(frozen=True)
class RotaryAngles:
    """Cosines and sines of the angles of some places, each [time, width / 2]."""

    cos: Value
    sin: Value


def _angles(graph: Graph, places: Value, width: int) -> Value:
    """Return the angles of places [time], [time, pairs] float64, as `position_angles` does."""
    pairs = np.arange(0, width, 2, dtype=np.float64)
    rates = 10_000.0 ** (-pairs / width)
    columns = graph.op("Unsqueeze", graph.op("Cast", places, to=graph.kind("f8")), [1])
    return graph.op("Mul", columns, rates)


def write_rotary(graph: Graph, places: Value, width: int) -> RotaryAngles:
    """Return cosines and sines of places [time] for heads of some width."""
    angles = _angles(graph, places, width)
    cos, sin = (
        graph.op("Cast", graph.op(kind, angles), to=graph.kind("f4")) for kind in ("Cos", "Sin")
    )
    return RotaryAngles(cos, sin)


def rotate(graph: Graph, x: Value, rotary: RotaryAngles) -> Value:
    """Rotate pairs of features of `x` [..., time, width], as `apply_rotary` does."""
    first, second = graph.ops("Split", x, outputs=2, axis=-1, num_outputs=2)
    cos, sin = rotary.cos, rotary.sin
    parts = (
        graph.op("Sub", graph.op("Mul", first, cos), graph.op("Mul", second, sin)),
        graph.op("Add", graph.op("Mul", first, sin), graph.op("Mul", second, cos)),
    )
    return graph.op("Concat", *parts, axis=-1)


def write_learned_positions(
    graph: Graph, module: LearnedPositions, vectors: Value, places: Value, dim: int
) -> Value:
    """Add to `vectors` [batch, time, dim] those of `places` [time]; only padding lies beyond."""
    del dim
    known = graph.op("Min", places, module.longest - 1)
    return graph.op("Add", vectors, graph.look_up(graph.table("weight", module.weight), known))


def write_sinusoidal_positions(
    graph: Graph, module: SinusoidalPositions, vectors: Value, places: Value, dim: int
) -> Value:
    """Add sines and cosines of `places` [time] to `vectors` [batch, time, dim]."""
    angles = _angles(graph, places, dim)
    waves = [graph.op("Unsqueeze", graph.op(kind, angles), [2]) for kind in ("Sin", "Cos")]
    joined = graph.op("Reshape", graph.op("Concat", *waves, axis=2), [0, -1])
    cut = graph.op("Slice", joined, [0], [dim], [1]) if dim % 2 else joined
    scaled = graph.op("Mul", graph.op("Cast", cut, to=graph.kind("f4")), float(module.scale))
    return graph.op("Add", vectors, scaled)
