"""The header of weights: read before anything is built, and refused if it does not add up."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save

from munjang.errors import FolderError
from munjang.folder.weights import compare_header, read_arrays, read_header


class MemoryFile:
    """Bytes as a file that is read from the beginning."""

    path = Path("weights")

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self.rest = io.BytesIO(data)

    def read(self, count: int) -> bytes:
        return self.rest.read(count)

    def read_into(self, memory: memoryview) -> None:
        assert self.rest.readinto(memory) == len(memory)


def to_safetensors(header: Any, body: bytes = b"") -> bytes:
    data = json.dumps(header).encode()
    return struct.pack("<Q", len(data)) + data + body


DTYPES = st.sampled_from([np.float32, np.int32, np.int64, np.uint8, np.bool_])


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(
            lambda name: name != "__metadata__"
        ),
        DTYPES.flatmap(
            lambda dtype: arrays(
                dtype,
                array_shapes(min_dims=0, min_side=0, max_side=3),
                elements={"allow_nan": False, "allow_infinity": False}
                if dtype is np.float32
                else None,
            )
        ),
        max_size=5,
    )
)
def test_safetensors_round_trip(result: dict[str, Any]) -> None:
    file = MemoryFile(save(result))
    repeated = read_arrays(file, read_header(file))
    assert repeated.keys() == result.keys()
    for name, array in result.items():
        assert repeated[name].dtype == array.dtype
        assert np.array_equal(repeated[name], array)


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
FOUR = bytes(8)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not begin with a header"),
        (struct.pack("<Q", 2**63) + b"{}", "does not begin with a header"),
        (to_safetensors([]), "names no tensors"),
        (to_safetensors({"a": 1}), "the entry of 'a' in their header is invalid"),
        (
            to_safetensors({"a": {**ENTRY, "more": 1}}, FOUR),
            "the entry of 'a' in their header is invalid",
        ),
        (
            to_safetensors({"a": {**ENTRY, "dtype": "BF16"}}, FOUR),
            "the entry of 'a' in their header is invalid",
        ),
        (
            to_safetensors({"a": {**ENTRY, "shape": [2.0]}}, FOUR),
            "the entry of 'a' in their header is invalid",
        ),
        (
            to_safetensors({"a": {**ENTRY, "shape": [-2]}}, FOUR),
            "the entry of 'a' in their header is invalid",
        ),
        (
            to_safetensors({"a": {**ENTRY, "shape": [2**61, 8]}}, FOUR),
            "the entry of 'a' in their header is invalid",
        ),
        (
            to_safetensors({"a": {**ENTRY, "data_offsets": [0, 2**40]}}, FOUR),
            "the entry of 'a' in their header is invalid",
        ),
        (
            to_safetensors({"a": {**ENTRY, "data_offsets": [4, 12]}}, FOUR * 2),
            "does not begin where",
        ),
        (to_safetensors({"a": ENTRY, "b": ENTRY}, FOUR), "'b' does not begin where"),
        (to_safetensors({"a": ENTRY}, FOUR + b"x"), "does not end where"),
        (to_safetensors({"a": ENTRY}, FOUR[1:]), "does not end where"),
        (
            to_safetensors({"__metadata__": {}, "a": ENTRY}, FOUR),
            "the entry of '__metadata__' in their header is invalid",
        ),
    ],
)
def test_inconsistent_header_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FolderError, match=message):
        read_header(MemoryFile(data))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("index", [0, 500, 999])
def test_single_non_finite_number_is_found(number: float, index: int) -> None:
    numbers = np.zeros(1_000, dtype=np.float32)
    numbers[index] = number
    file = MemoryFile(save({"the one": numbers}))
    with pytest.raises(FolderError, match="'the one' holds NaN or infinity"):
        read_arrays(file, read_header(file))


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"a": ("F32", (2,)), "b": ("F32", (1,))}, "'b' is missing"),
        ({}, "'a' belongs to no part of the model"),
        ({"a": ("F32", (1, 2))}, r"'a' is F32 \[2\], and the settings want F32 \[1, 2\]"),
        ({"a": ("I32", (2,))}, r"'a' is F32 \[2\], and the settings want I32 \[2\]"),
    ],
)
def test_unexpected_tensors_are_named(expected: dict[str, Any], message: str) -> None:
    header = read_header(MemoryFile(to_safetensors({"a": ENTRY}, FOUR)))
    with pytest.raises(FolderError, match=message):
        compare_header(Path("weights"), header, expected)
