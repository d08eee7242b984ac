"""Networks as graphs of ONNX in a page, which onnxruntime-web computes."""

from pathlib import Path

import numpy as np
from torch import Tensor

from munjang.export.onnx.exporting import make_graph
from munjang.export.web.arrays import Arrays
from munjang.export.web.computing import Computing
from munjang.export.web.onnxruntime import read_onnxruntime
from munjang.model import Model


def compute_with_graph(model: Model, arrays: Arrays, folder: str | Path) -> Computing:
    """Return a network as a graph of ONNX, which onnxruntime-web computes.

    Args:
        model: the model.
        arrays: gets the graph and the WebAssembly.
        folder: what `npm install onnxruntime-web` wrote.

    Raises:
        ConfigError: the files are not there or not known, or the graph cannot be written.
    """
    runtime = read_onnxruntime(folder)
    graph = make_graph(model, int8=arrays.int8)
    description = {
        "kind": "onnx",
        "units": graph.spelled,
        "graph": arrays.add(np.frombuffer(graph.content, dtype=np.uint8)),
        "program": arrays.add(np.frombuffer(runtime.packed, dtype=np.uint8)),
    }
    return Computing(
        description,
        lambda texts: Tensor(graph.outputs(texts)),
        len(graph.content),
        runtime.script,
        {
            "weights": "graph int8" if arrays.int8 else "float32",
            "computed by": f"onnxruntime-web {runtime.version}".strip(),
        },
    )
