"""Linear layers, norms and convolutions."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import pad

from munjang.export.onnx.graph import Graph, Value
from munjang.layers.fast.convolution import Convolutions
from munjang.layers.fast.convolution_row import are_alike


def write_linear(graph: Graph, module: nn.Linear, x: Value, name: str) -> Value:
    """Return x Wᵀ + b, [..., outputs]."""
    with graph.scope(name):
        weight = graph.matrix("weight", module.weight.detach().T, axis=1)
        y = graph.op("MatMul", x, weight)
        if module.bias is None:
            return y
        return graph.op("Add", y, graph.weight("bias", module.bias))


def write_norm(graph: Graph, module: nn.LayerNorm, x: Value, name: str) -> Value:
    """Normalize the last dimension."""
    with graph.scope(name):
        weights = graph.weight("weight", module.weight), graph.weight("bias", module.bias)
        return graph.op("LayerNormalization", x, *weights, axis=-1, epsilon=module.eps)


def write_convolutions(graph: Graph, module: Convolutions, states: Value) -> Value:
    """Return the outputs of all convolutions, [batch, time, filters]; states are 0 at padding.

    All filters are written at the width of the widest, with zeros around: one operator is faster
    than several, as long as the widths are alike.
    """
    layers = module.layers()
    columns = graph.op("Transpose", states, perm=[0, 2, 1])
    groups = [layers] if are_alike([layer.width for layer in layers]) else [[c] for c in layers]
    maps = []
    for group in groups:
        left = max(layer.left for layer in group)
        width = left + 1 + max(layer.width - 1 - layer.left for layer in group)
        # [width, dim, filters] to ONNX's [filters, dim, width]
        parts = []
        for layer in group:
            before = left - layer.left
            own = layer.weight.detach().permute(2, 1, 0)
            parts.append(pad(own, (before, width - layer.width - before)))
        weights = graph.matrix("weight", torch.cat(parts))
        bias = graph.weight("bias", torch.cat([layer.bias for layer in group]))
        pads = [left, width - 1 - left]
        maps.append(graph.op("Conv", columns, weights, bias, pads=pads, kernel_shape=[width]))
    joined = graph.op("Concat", *maps, axis=1) if len(maps) > 1 else maps[0]
    return graph.op("Transpose", joined, perm=[0, 2, 1])


def write_unit_vectors(graph: Graph, vectors: Value) -> Value:
    """Divide vectors [batch, dim] by their lengths, as `torch.nn.functional.normalize`."""
    lengths = graph.op("ReduceL2", vectors, np.array([1]), keepdims=1)
    return graph.op("Div", vectors, graph.op("Max", lengths, 1e-12))
