"""Packed tables: what comes back, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.errors import FolderError
from munjang.folder.packing import (
    Packing,
    is_packed,
    pack_bitmap,
    pack_table,
    unpack,
    unpacked_header,
)
from munjang.folder.weights import Entry

PATH = Path("model.safetensors")


def make_table(rows: int, dim: int, kept: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    table = random.normal(0, 10.0 ** random.uniform(-3, 0, (rows, 1)), (rows, dim))
    table[random.random(rows) >= kept] = 0.0
    return table.astype(np.float32)


@given(
    st.integers(1, 3000),
    st.integers(1, 9),
    st.sampled_from([0.0, 0.001, 0.1, 0.9, 1.0]),
    st.sampled_from([4, 8]),
    st.integers(0, 1000),
)
def test_table_comes_back_within_half_a_step_and_packs_the_same_again(
    rows: int, dim: int, kept: float, bits: int, seed: int
) -> None:
    table = make_table(rows, dim, kept, seed)
    packed = pack_table("t", table, bits)
    assert all(map(is_packed, packed))
    back = unpack(PATH, packed)["t"]
    assert (back.any(axis=1) <= table.any(axis=1)).all()
    largest = np.maximum(np.abs(table).max(axis=1, keepdims=True), 2.0**-12)
    step = largest * 2 ** (1 / 16) / (2 ** (bits - 1) - 1)
    assert (np.abs(back - table) <= 0.501 * step).all()
    again = pack_table("t", back, bits)
    assert (unpack(PATH, again)["t"] == back).all()


@given(st.integers(1, 200), st.floats(0, 1), st.integers(0, 1000))
def test_bitmap_comes_back(size: int, share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    bitmap = np.packbits(random.random(8 * size) < share)
    packed = pack_bitmap("b", bitmap)
    assert sum(map(len, packed.values())) <= len(bitmap)
    back = packed.get("b")
    if back is None:
        back = unpack(PATH, packed)["b"]
    assert (back == bitmap).all()


def test_header_tells_what_the_arrays_stand_for() -> None:
    packed = Packing({"t": 4}).apply({"t": make_table(9, 4, 0.5, 0), "w": np.zeros(3, np.float32)})
    header = {
        name: Entry("U8" if array.dtype == np.uint8 else "F32", array.shape, 0, 0)
        for name, array in packed.items()
    }
    whole = unpacked_header(PATH, header)
    assert (whole["t"].kind, whole["t"].shape) == ("F32", (9, 4))
    assert set(whole) == {"t", "w"}


def test_large_gaps_are_kept() -> None:
    table = np.zeros((3_000_000, 1), np.float32)
    table[[0, 200, 2_999_999]] = 1.0
    packed = pack_table("t", table, 8)
    assert len(packed["t@8:3000000x1:rows"]) == 7
    assert np.flatnonzero(unpack(PATH, packed)["t"]).tolist() == [0, 200, 2_999_999]


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("rows", [200]),  # cut off
        ("rows", [255, 255, 255, 255, 255, 255, 1]),  # a gap without end
        ("rows", [127, 127]),  # beyond the table
        ("scales", [1, 2, 3, 4, 5]),
        ("codes", [[1, 2, 3]]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(part: str, values: list[object]) -> None:
    packed = pack_table("t", make_table(9, 4, 1.0, 0), 4)
    packed[f"t@4:9x4:{part}"] = np.array(values, np.uint8)
    with pytest.raises(FolderError, match="do not fit"):
        unpack(PATH, packed)


def test_missing_part_and_huge_shapes_are_refused() -> None:
    packed = pack_table("t", make_table(9, 4, 1.0, 0), 4)
    del packed["t@4:9x4:scales"]
    with pytest.raises(FolderError, match="do not fit"):
        unpack(PATH, packed)
    huge = {"t@8:999999999999x999999:rows": Entry("U8", (1,), 0, 1)}
    with pytest.raises(FolderError, match="stand for more"):
        unpacked_header(PATH, huge)
