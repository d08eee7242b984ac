"""N-grams hashed inside the graph, held bit for bit against NumPy."""

from functools import cache
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.export.onnx.graph import Graph
from munjang.export.onnx.layers.hashing import write_hashes
from munjang.layers.hashing import hash_ngrams_by_numpy

rows = st.lists(st.lists(st.integers(0, 2**31), min_size=1, max_size=9), min_size=1, max_size=5)


@cache
def open_graph(longest: int, buckets: int) -> Any:
    graph = Graph("hashes", {})
    ids = graph.input("ids", np.int64, ["batch", "time"])
    lengths = graph.input("lengths", np.int64, ["batch"])
    hashes, fits = write_hashes(graph, ids, lengths, longest, buckets)
    graph.output(graph.op("Where", fits, hashes, -1), "hashes", np.int64, ["b", "t", "n"])
    return onnxruntime.InferenceSession(graph.to_bytes(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("longest", "buckets"), [(2, 2**18), (5, 1000), (8, 2**22), (3, 7)])
@settings(max_examples=30)
@given(rows=rows)
def test_hashes_equal_numpys(longest: int, buckets: int, rows: list[list[int]]) -> None:
    lengths = np.array([len(row) for row in rows])
    ids = np.zeros((len(rows), lengths.max()), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    expected = hash_ngrams_by_numpy(ids, lengths, longest, buckets)
    (found,) = open_graph(longest, buckets).run(None, {"ids": ids, "lengths": lengths})
    np.testing.assert_array_equal(found, expected)
