"""Flags as bits: what is packed is what is read, wherever one looks."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.layers.fast.bits import are_set, pack_bits


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
def test_are_set_reads_packed_flags(eighths: list[bool], data: st.DataObject) -> None:
    flags = torch.tensor(eighths * 8)
    bits = pack_bits(flags)
    assert (bits.dtype, len(bits)) == (torch.uint8, len(eighths))
    index = st.integers(-len(flags), len(flags) - 1)
    positions = torch.tensor(data.draw(st.lists(index, max_size=20)), dtype=torch.int64)
    assert torch.equal(are_set(bits, positions), flags[positions])
    assert are_set(bits, positions.view(1, -1, 1)).shape == (1, len(positions), 1)


def test_are_set_accepts_int32_and_int64() -> None:
    bits = pack_bits(torch.tensor([True, False, False, True, False, False, False, True]))
    for dtype in (torch.int32, torch.int64):
        assert are_set(bits, torch.arange(8, dtype=dtype)).tolist() == [
            True, False, False, True, False, False, False, True,
        ]  # fmt: skip
