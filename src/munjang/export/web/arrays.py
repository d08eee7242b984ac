"""The numbers of a page: arrays, one after another, that a description names by their numbers."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

# Names of the types in a page, whose numbers are in little-endian order.
_TYPES = {"float32": "f32", "int8": "i8", "uint8": "u8"}
_ALIGNED = 4  # bytes; a Float32Array begins at a multiple of them
_LARGEST = 127


@dataclass
class Arrays:
    """Arrays that were added so far.

    Attributes:
        int8: True if tables are written as whole numbers from -127 to 127, with a scale per row.
        listed: type, byte offset and number of entries of each array.
        used: tensors of the network that were described, by identity.
    """

    int8: bool = False
    listed: list[tuple[str, int, int]] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    _parts: list[bytes] = field(default_factory=list)
    _size: int = 0

    def add(self, values: Tensor | npt.NDArray[Any]) -> int:
        """Add an array of numbers and return its number; floats become float32."""
        if isinstance(values, Tensor):
            self.used.add(id(values))
            values = values.detach().float().cpu().numpy()
        data = np.ascontiguousarray(values)
        content = data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes()
        content += bytes(-len(content) % _ALIGNED)
        self.listed.append((_TYPES[data.dtype.name], self._size, data.size))
        self._parts.append(content)
        self._size += len(content)
        return len(self.listed) - 1

    def add_table(
        self, weights: Tensor, held: npt.NDArray[np.int64] | None = None
    ) -> dict[str, Any]:
        """Add rows [count, dim] and return their description.

        Args:
            weights: the rows.
            held: the numbers of the rows that are written, ascending; others are never read. None:
                all rows.
        """
        self.used.add(id(weights))
        rows = weights.detach().float().cpu().numpy()
        count, dim = rows.shape
        if held is not None:
            rows = rows[held]
        scales = None
        if self.int8 and dim > 1:  # a scale takes as much as a number
            rows, row_scales = round_rows(rows)
            scales = self.add(row_scales)
        return {
            "count": count,
            "dim": dim,
            "numbers": self.add(rows),
            "scales": scales,
            "held": None if held is None else self.add_ascending(held),
        }

    def add_ascending(self, numbers: npt.NDArray[np.integer[Any]]) -> int:
        """Add ascending whole numbers from 0 on, as differences in groups of seven bits."""
        return self.add(np.frombuffer(pack_ascending(numbers), dtype=np.uint8))

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        return self._size

    def to_bytes(self) -> bytes:
        """Return all arrays."""
        return b"".join(self._parts)


def round_rows(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return rows [count, dim] as whole numbers and their scales [count]: row = scale x numbers.

    A number is off by half a scale at most, that is 1/254 of the largest of its row.
    """
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scales = (largest / _LARGEST).astype(np.float32)
    divisors = np.where(scales > 0, scales, 1)[:, None]
    return np.rint(rows / divisors).clip(-_LARGEST, _LARGEST).astype(np.int8), scales


def pack_ascending(numbers: npt.NDArray[np.integer[Any]]) -> bytes:
    """Pack ascending whole numbers from 0 on; the inverse is `ascendingNumbers` of the page."""
    differences = np.diff(numbers.astype(np.int64), prepend=-1)
    packed = bytearray()
    for difference in differences.tolist():
        while difference > _LARGEST:
            packed.append(difference & _LARGEST | 128)
            difference >>= 7
        packed.append(difference)
    return bytes(packed)
