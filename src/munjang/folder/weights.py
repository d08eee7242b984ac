"""Reader of weights in the format safetensors, header first.

The library would map or copy the whole file before its shapes can be checked. The
format: eight bytes with the length of a JSON header, the header (name to type, shape and offsets),
and then the numbers.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from munjang.errors import FolderError
from munjang.parsing import UnreadableError, parse_json

MOST_TENSORS = 20_000
_MOST_HEADER = 8_000_000
_MOST_DIMENSIONS = 8
# Types that Munjang writes, and bytes per number.
_BYTES = {"F32": 4, "I32": 4, "I64": 8, "U8": 1, "BOOL": 1}
_DTYPES = {"F32": np.float32, "I32": np.int32, "I64": np.int64, "U8": np.uint8, "BOOL": np.bool_}
# Types of other programs, which are converted to float32.
OTHER_FLOATS = {"F64": 8, "F16": 2, "BF16": 2}
# Types of safetensors that are not read, such as those of quantized weights.
_UNREAD = ("I8", "I16", "U16", "U32", "U64", "F8_E4M3", "F8_E5M2")
_METADATA = "__metadata__"

Numbers = npt.NDArray[Any]


class Readable(Protocol):
    """A file that is read sequentially."""

    @property
    def path(self) -> Path:
        """Path for messages."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes."""

    def read_into(self, memory: memoryview) -> None:
        """Fill a flat memory with the next bytes."""


@dataclass(frozen=True)
class Entry:
    """A tensor in the header.

    Attributes:
        kind: type of its numbers, such as F32.
        shape: shape of the tensor.
        begin: offset of its first byte after the header.
        end: offset after its last byte.
    """

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(file: Readable, *, foreign: bool = False) -> dict[str, Entry]:
    """Return the tensors of a file by name, in the order in which they are stored.

    Args:
        file: the file, at its beginning.
        foreign: whether another program may have written it: there may be metadata, which is
            ignored, and the types of `OTHER_FLOATS`.

    Raises:
        FolderError: the header is invalid, or its tensors do not fill the rest of the file.
    """
    length = int.from_bytes(file.read(8), "little") if file.size >= 8 else 0
    if not 2 <= length <= min(file.size - 8, _MOST_HEADER):
        raise weights_error(file.path, "the file does not begin with a header of safetensors")
    data = file.read(length)
    if data.count(b"{") > MOST_TENSORS + 1:
        raise weights_error(file.path, f"their header names more than {MOST_TENSORS:,} tensors")
    try:
        header = parse_json(data, most_bytes=_MOST_HEADER)
    except UnreadableError as error:
        raise weights_error(file.path, f"their header: {error}") from None
    if not isinstance(header, dict):
        raise weights_error(file.path, "their header names no tensors")
    kinds = _BYTES
    if foreign:
        header.pop(_METADATA, None)
        kinds = {**_BYTES, **OTHER_FLOATS}
    entries = {name: _entry(file.path, name, values, kinds) for name, values in header.items()}
    entries = dict(sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)))
    offset = 0
    for name, entry in entries.items():
        if entry.begin != offset:
            raise weights_error(
                file.path, f"{_short(name)} does not begin where the tensor before it ends"
            )
        offset = entry.end
    if offset != file.size - 8 - length:
        raise weights_error(file.path, "the file does not end where the last tensor does")
    return entries


def longest_side(header: Mapping[str, Entry]) -> int:
    """Return the longest side of any floating-point tensor, a bound on vocabulary sizes."""
    return max((side for e in header.values() if e.kind == "F32" for side in e.shape), default=0)


def compare_header(path: Path, found: Mapping[str, Entry], wanted: Mapping[str, Any]) -> None:
    """Refuse weights that differ from the network in names, types or shapes.

    Args:
        path: path of the file, for messages.
        found: result of `read_header`.
        wanted: type and shape of each tensor of the network.

    Raises:
        FolderError: a tensor is missing, unknown, or of another type or shape.
    """
    for name, (kind, shape) in wanted.items():
        if name not in found:
            raise weights_error(path, f"{_short(name)} is missing")
        entry = found[name]
        if (entry.kind, entry.shape) != (kind, tuple(shape)):
            raise weights_error(
                path,
                f"{_short(name)} is {entry.kind} {list(entry.shape)}, and the settings want "
                f"{kind} {list(shape)}",
            )
    for name in found:
        if name not in wanted:
            raise weights_error(path, f"{_short(name)} belongs to no part of the model")


def _array(name: str, entry: Entry) -> Numbers:
    return np.empty(entry.shape, dtype=_DTYPES[entry.kind])


def read_arrays(
    file: Readable, header: Mapping[str, Entry], allocate: Callable[[str, Entry], Numbers] = _array
) -> dict[str, Numbers]:
    """Read the arrays that `read_header` listed.

    Args:
        file: the file, read up to the end of its header.
        header: tensors in the order of the file.
        allocate: makes the array that a tensor is read into.

    Raises:
        FolderError: there is not enough memory, or a number is NaN or infinite.
    """
    arrays = {}
    for name, entry in header.items():
        try:
            arrays[name] = array = allocate(name, entry)
        except (MemoryError, ValueError, RuntimeError):
            raise weights_error(file.path, "there is not enough memory for them") from None
        if not array.size:
            continue
        file.read_into(array.reshape(-1).view(np.uint8).data)
        # minimum and maximum of an array with NaN are NaN
        if entry.kind == "F32" and not np.isfinite([array.min(), array.max()]).all():
            raise weights_error(
                file.path, f"{_short(name)} holds NaN or infinity; train the model anew"
            )
    return arrays


def weights_error(path: Path, reason: str) -> FolderError:
    """Return the error of weights that cannot be used."""
    return FolderError(f"{path}: these weights do not fit: {reason}")


def _entry(path: Path, name: str, values: Any, kinds: Mapping[str, int]) -> Entry:
    wrong = weights_error(path, f"the entry of {_short(name)} in their header is invalid")
    if not isinstance(values, dict) or values.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong
    kind, shape, places = values["dtype"], values["shape"], values["data_offsets"]
    if kind in _UNREAD:
        raise weights_error(
            path, f"{_short(name)} is of the type {kind}; expected {', '.join(kinds)}"
        )
    if not isinstance(kind, str) or kind not in kinds:
        raise wrong
    if not _are_counts(shape, _MOST_DIMENSIONS) or not _are_counts(places, 2) or len(places) < 2:
        raise wrong
    if places[1] - places[0] != math.prod(shape) * kinds[kind]:
        raise wrong
    return Entry(kind, tuple(shape), places[0], places[1])


def _are_counts(values: Any, most: int) -> bool:
    """Return whether a value is a list of at most `most` integers from 0 to 2^62."""
    return (
        isinstance(values, list)
        and len(values) <= most
        and all(type(value) is int and 0 <= value < 2**62 for value in values)
    )


def _short(name: str) -> str:
    return repr(name) if len(name) <= 100 else f"{name[:100]!r} ..."
