"""Packed tables of weights: rows of few bits, and only those that are not zero.

A table NAME [rows, ...] is kept as three arrays of bytes in the file of weights, whose names tell
its shape: NAME@4:264430x64:rows has the gaps between the kept rows, :scales a scale per row, and
:codes whole numbers from -7 to 7 (4 bits) or -127 to 127 (8 bits), which times scale / 7 or 127
are the weights. Scales are powers of 2^(1/16), so that packing a packed table again changes
nothing. A bitmap is kept as NAME@1:524288:rows, the gaps between its set bits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.folder.weights import Entry, Numbers, weights_error

Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]

# Section of `metrics.json` of a model whose weights are packed.
SHRUNK = "shrunk"
BITS = (4, 8)
_BITMAP = 1
# Most numbers that the packed arrays of a file may stand for.
_MOST_NUMBERS = 2**30
_NAME = re.compile(r"(.{1,500})@([148]):(\d{1,12}(?:x\d{1,6}){0,3}):(rows|scales|codes)")
# Scale of code 0, and scales per power of two.
_LOWEST, _STEPS = 2.0**-12, 16


def pack_table(name: str, table: npt.NDArray[np.float32], bits: int) -> dict[str, Bytes]:
    """Return the arrays that stand for a table; a row of zeros takes no room.

    Args:
        name: name of the table.
        table: [rows, ...]; of larger numbers than 16 the rest is cut off.
        bits: 4 or 8.
    """
    prefix = f"{name}@{bits}:{'x'.join(map(str, table.shape))}"
    table = table.reshape(len(table), -1)
    rows = np.flatnonzero(table.any(axis=1))
    highest = 2 ** (bits - 1) - 1
    largest = np.abs(table[rows]).max(axis=1, initial=0.0)
    # the least scale that covers the row; rounding must not lift a scale that covers it exactly
    steps = np.ceil(_STEPS * np.log2(np.maximum(largest, _LOWEST) / _LOWEST) - 1e-3)
    scales = steps.clip(0, 255).astype(np.uint8)
    codes = np.rint(table[rows] / _sizes(scales, highest)[:, None]).clip(-highest, highest)
    return {
        f"{prefix}:rows": _write_gaps(rows),
        f"{prefix}:scales": scales,
        f"{prefix}:codes": _join_codes((codes + highest).astype(np.uint8), bits),
    }


def pack_bitmap(name: str, bitmap: Bytes) -> dict[str, Bytes]:
    """Return the array that stands for a bitmap [bytes], or the bitmap if that is smaller."""
    gaps = _write_gaps(np.flatnonzero(np.unpackbits(bitmap)))
    if len(gaps) >= len(bitmap):
        return {name: bitmap}
    return {f"{name}@{_BITMAP}:{len(bitmap)}:rows": gaps}


def unpacked_header(path: Path, header: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the tensors that a file stands for, by name.

    Args:
        path: path of the file, for messages.
        header: of `munjang.folder.weights.read_header`.

    Raises:
        FolderError: packed arrays that do not belong together, or that stand for too much.
    """
    whole: dict[str, Entry] = {}
    numbers = 0
    for name, entry in header.items():
        found = _NAME.fullmatch(name)
        if found is None:
            whole[name] = entry
            continue
        table, bits, shape, part = _parse(found)
        if entry.kind != "U8" or len(entry.shape) != 1 + (part == "codes"):
            raise weights_error(path, f"{name[:100]!r} is no packed array")
        unpacked = Entry("U8" if bits == _BITMAP else "F32", shape, 0, 0)
        if table in whole and whole[table] != unpacked:
            raise weights_error(path, f"{table[:100]!r} has two shapes")
        if table not in whole:
            numbers += int(np.prod(shape, dtype=np.float64))
        whole[table] = unpacked
    if numbers > _MOST_NUMBERS:
        raise weights_error(path, f"packed arrays stand for more than {_MOST_NUMBERS:,} numbers")
    return whole


def is_packed(name: str) -> bool:
    """Return whether an array of a file is a part of a packed one."""
    return _NAME.fullmatch(name) is not None


def unpack(path: Path, arrays: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return the tables and bitmaps that packed arrays stand for; others are left out.

    Raises:
        FolderError: the arrays of a table do not fit together.
    """
    parts: dict[tuple[str, int, tuple[int, ...]], dict[str, Numbers]] = {}
    for name, array in arrays.items():
        if found := _NAME.fullmatch(name):
            table, bits, shape, part = _parse(found)
            parts.setdefault((table, bits, shape), {})[part] = array
    unpacked: dict[str, Numbers] = {}
    for (table, bits, shape), found_parts in parts.items():
        try:
            unpacked[table] = _unpack_one(bits, shape, found_parts)
        except (KeyError, ValueError, IndexError):
            raise weights_error(path, f"the packed arrays of {table[:100]!r} do not fit") from None
    return unpacked


def _unpack_one(bits: int, shape: tuple[int, ...], parts: Mapping[str, Any]) -> Numbers:
    if bits == _BITMAP:
        flags = np.zeros(8 * shape[0], dtype=np.uint8)
        flags[_read_gaps(parts["rows"], len(flags))] = 1
        bitmap: Bytes = np.packbits(flags)
        return bitmap
    rows = _read_gaps(parts["rows"], shape[0])
    highest = 2 ** (bits - 1) - 1
    dim = int(np.prod(shape[1:]))
    codes = _split_codes(parts["codes"], bits, dim)
    if not len(rows) == len(parts["scales"]) == len(codes):
        raise ValueError("lengths differ")
    table = np.zeros((shape[0], dim), dtype=np.float32)
    whole = codes.astype(np.float32) - highest
    table[rows] = whole * _sizes(parts["scales"], highest)[:, None]
    return table.reshape(shape)


def _parse(found: re.Match[str]) -> tuple[str, int, tuple[int, ...], str]:
    return found[1], int(found[2]), tuple(map(int, found[3].split("x"))), found[4]


def _sizes(scales: Bytes, highest: int) -> npt.NDArray[np.float32]:
    """Return the size of one step of each row, [rows]."""
    exponents = scales.astype(np.float64) / _STEPS
    return (_LOWEST * np.exp2(exponents) / highest).astype(np.float32)


def _join_codes(codes: Bytes, bits: int) -> Bytes:
    """Return codes [rows, dim] as bytes, two codes of four bits in one."""
    if bits == 8:
        return codes
    if codes.shape[1] % 2:
        codes = np.pad(codes, ((0, 0), (0, 1)))
    return (codes[:, 0::2] | (codes[:, 1::2] << 4)).astype(np.uint8)


def _split_codes(joined: Bytes, bits: int, dim: int) -> Bytes:
    """Return codes [rows, dim] of bytes."""
    if bits == 8:
        codes = joined
    else:
        codes = np.stack([joined & 15, joined >> 4], axis=2).reshape(
            len(joined), 2 * joined.shape[1]
        )
    if codes.shape[1] - dim not in (0, 1):
        raise ValueError("width differs")
    return codes[:, :dim]


def _write_gaps(places: npt.NDArray[np.integer]) -> Bytes:
    """Return the gaps between ascending places as bytes, seven bits in each, the lowest first."""
    more: Any = np.diff(places.astype(np.int64), prepend=-1) - 1
    columns: list[Int64s] = []
    while True:
        low, more = more & 127, more >> 7
        columns.append(low | np.where(more > 0, 128, 0))
        if not more.any():
            break
    table = np.stack(columns, axis=1) if columns else np.zeros((0, 1), dtype=np.int64)
    # a byte follows only one that says so
    follows = np.cumprod(np.pad(table[:, :-1] >= 128, ((0, 0), (1, 0)), constant_values=1), axis=1)
    written: Bytes = table[follows.astype(bool)].astype(np.uint8)
    return written


def _read_gaps(data: Bytes, size: int) -> npt.NDArray[np.int64]:
    """Return the ascending places below `size` whose gaps were written.

    Raises:
        ValueError: the bytes are no such gaps.
    """
    if not len(data):
        return np.zeros(0, dtype=np.int64)
    ends = data < 128
    if not ends[-1]:
        raise ValueError("cut off")
    number: Int64s = np.cumsum(ends) - ends  # of the gap that each byte belongs to
    first = np.flatnonzero(np.concatenate([[True], ends[:-1]]))
    place = np.arange(len(data)) - first[number]
    if place.max() > 4:
        raise ValueError("a gap is too long")
    gaps = np.zeros(int(ends.sum()), dtype=np.int64)
    np.add.at(gaps, number, (data & 127).astype(np.int64) << (7 * place))
    places = np.cumsum(gaps + 1) - 1
    if places[-1] >= size:
        raise ValueError("beyond the end")
    return places


@dataclass(frozen=True)
class Packing:
    """Bits of the packed weights of a model.

    Attributes:
        bits: bits per number of each packed table, by name.
        bitmaps: names of packed bitmaps.
    """

    bits: Mapping[str, int]
    bitmaps: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `metrics.json` keeps of it, so that the model is packed when saved again."""
        return {"bits": dict(self.bits), "bitmaps": list(self.bitmaps)}

    def apply(self, weights: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """Return weights by name, some of them packed."""
        packed: dict[str, Numbers] = {}
        for name, array in weights.items():
            if name in self.bits:
                packed.update(pack_table(name, array, self.bits[name]))
            elif name in self.bitmaps:
                packed.update(pack_bitmap(name, array))
            else:
                packed[name] = array
        return packed


def read_packing(metrics: Mapping[str, Any]) -> Packing | None:
    """Return how the weights of a model are packed by the metrics of its folder; None: not."""
    found = metrics.get(SHRUNK)
    if not isinstance(found, dict) or not isinstance(found.get("bits"), dict):
        return None
    bits = {str(name): value for name, value in found["bits"].items() if value in BITS}
    return Packing(bits, tuple(map(str, found.get("bitmaps", ()))))
