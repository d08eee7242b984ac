"""Linear layers, norms and convolutions."""

import numpy as np
from torch import nn

from munjang.export.onnx.graph import Graph, Value
from munjang.layers.fast.convolution import Convolutions


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


def write_convolutions(graph: Graph, module: Convolutions, states: Value) -> list[Value]:
    """Return the outputs of each convolution, [batch, time, filters]; states are 0 at padding."""
    columns = graph.op("Transpose", states, perm=[0, 2, 1])
    maps = []
    for number, layer in enumerate(module.layers()):
        with graph.scope(str(number)):
            # [width, dim, filters] to ONNX's [filters, dim, width]
            weight = graph.matrix("weight", layer.weight.detach().permute(2, 1, 0))
            bias = graph.weight("bias", layer.bias)
            pads = [layer.left, layer.width - 1 - layer.left]
            found = graph.op("Conv", columns, weight, bias, pads=pads, kernel_shape=[layer.width])
            maps.append(graph.op("Transpose", found, perm=[0, 2, 1]))
    return maps


def write_unit_vectors(graph: Graph, vectors: Value) -> Value:
    """Divide vectors [batch, dim] by their lengths, as `torch.nn.functional.normalize`."""
    lengths = graph.op("ReduceL2", vectors, np.array([1]), keepdims=1)
    return graph.op("Div", vectors, graph.op("Max", lengths, 1e-12))
