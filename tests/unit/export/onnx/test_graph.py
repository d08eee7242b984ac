"""The writer of graphs, and weights in 8 bits."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from munjang.errors import ConfigError
from munjang.export.onnx import graph as graphs
from munjang.export.onnx.graph import Graph
from munjang.export.onnx.layers.activations import write_activation
from munjang.export.onnx.quantization import quantize_rows
from munjang.layers.activations import get_activation


def test_names_follow_the_scopes_and_equal_constants_are_there_once() -> None:
    graph = Graph("test", {})
    x = graph.input("x", np.float32, ["n"])
    with graph.scope("encoder"), graph.scope("layer"):
        y = graph.op("Add", graph.op("Add", x, 1.5), 1.5)
    graph.output(y, "y", np.float32, ["n"])
    model = onnx.load_from_string(graph.to_bytes())
    onnx.checker.check_model(model)
    assert [node.name for node in model.graph.node[:2]] == [
        "encoder/layer/Add",
        "encoder/layer/Add_1",
    ]
    assert len(model.graph.initializer) == 1
    session = onnxruntime.InferenceSession(graph.to_bytes())
    np.testing.assert_array_equal(session.run(None, {"x": np.float32([1, 2])})[0], [4, 5])


def test_an_unknown_layer_and_a_large_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph("test", {})
    with pytest.raises(ConfigError, match="the layer Bilinear has no description"):
        graph.write(nn.Bilinear(1, 1, 1))
    graph.weight("w", np.zeros(100, np.float32))
    monkeypatch.setattr(graphs, "MOST_BYTES", 300)
    with pytest.raises(ConfigError, match="400 bytes of weights, and a file of ONNX has"):
        graph.to_bytes()
    with pytest.raises(ConfigError, match="activation <lambda> has no description"):
        write_activation(graph, lambda x: x, "x")


@pytest.mark.parametrize("name", ["softmax", "leaky_relu", "hard_sigmoid", "mish", "gelu_tanh"])
def test_activations_are_those_of_pytorch(name: str) -> None:
    import torch

    graph = Graph("test", {})
    x = graph.input("x", np.float32, ["n", "m"])
    y = write_activation(graph, get_activation(name), x)  # type: ignore[arg-type]
    graph.output(y, "y", np.float32, ["n", "m"])
    values = torch.linspace(-6, 6, 60).view(4, 15)
    (found,) = onnxruntime.InferenceSession(graph.to_bytes()).run(None, {"x": values.numpy()})
    expected = get_activation(name)(values).numpy()  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected, atol=2e-6)


numbers = st.floats(-1e3, 1e3, width=32)


@given(rows=st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4))
def test_rows_in_8_bits_differ_by_half_a_scale(rows: list[list[float]]) -> None:
    floats = np.array(rows, dtype=np.float32)
    small, scales = quantize_rows(floats, "w")
    assert small.dtype == np.int8
    assert scales.dtype == np.float16
    wide = scales.astype(np.float64)[:, None]
    # a row of subnormal numbers alone becomes zeros
    assert (np.abs(small * wide - floats) <= wide * 0.5001 + np.finfo(np.float32).tiny).all()


def test_rows_too_large_for_8_bits_are_refused() -> None:
    with pytest.raises(ConfigError, match="w hold numbers too large for 8 bits"):
        quantize_rows(np.full((1, 2), 1e9, np.float32), "w")
