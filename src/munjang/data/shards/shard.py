"""One file of encoded rows: an Arrow IPC file of one batch, mapped into memory."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from munjang.data.shards.manifest import CURE, ShardEntry
from munjang.errors import FolderError
from munjang.folder.manifest import write_whole
from munjang.text.columns import (
    Int32s,
    Int64s,
    arrow_array,
    token_column,
    type_ids,
    values_and_offsets,
)

_SCHEMA = pa.schema([("ids", type_ids), ("document", pa.int64())])


@dataclass(frozen=True)
class Shard:
    """Rows of a file, mapped into memory.

    Attributes:
        values: ids of all rows.
        offsets: place of the first token of each row, and the number of tokens.
        documents: number of the document of each row.
    """

    values: Int32s
    offsets: Int64s
    documents: Int64s

    def __len__(self) -> int:
        return len(self.documents)


def write_shard(path: Path, values: Int32s, offsets: Int64s, documents: Int64s) -> ShardEntry:
    """Write rows as one file.

    Raises:
        OSError: the file cannot be written; the error names it.
    """
    batch = pa.record_batch([token_column(values, offsets), arrow_array(documents)], schema=_SCHEMA)
    with (
        write_whole(path) as partial,
        partial.open("wb") as file,
        pa.ipc.new_file(file, _SCHEMA) as writer,
    ):
        writer.write_batch(batch)
    lengths, counts = np.unique(np.diff(offsets), return_counts=True)
    return ShardEntry(
        file=path.name,
        rows=len(documents),
        tokens=len(values),
        bytes=path.stat().st_size,
        crc32=_checksum(values, offsets),
        lengths=tuple(lengths.tolist()),
        counts=tuple(counts.tolist()),
    )


def open_shard(folder: Path, entry: ShardEntry, vocabulary_size: int) -> Shard:
    """Map the rows of a file into memory, and check all of them.

    Args:
        folder: folder of the file.
        entry: what the manifest says about it.
        vocabulary_size: all ids are below it.

    Raises:
        FolderError: the file is missing, damaged or another one.
    """
    path = folder / entry.file
    try:
        _require(path.stat().st_size == entry.bytes and path.is_file(), "another size")
        _require(entry.bytes >= 4 * entry.tokens + 8 * entry.rows, "fewer bytes than rows need")
        shard = _read(path)
        rows, tokens = len(shard), len(shard.values)
        _require((rows, tokens) == (entry.rows, entry.tokens), "another number of rows")
        _require(_checksum(shard.values, shard.offsets) == entry.crc32, "another checksum")
        lengths, counts = np.unique(np.diff(shard.offsets), return_counts=True)
        expected = entry.histogram
        _require(
            np.array_equal(lengths, expected[0]) and np.array_equal(counts, expected[1]),
            "rows of other lengths",
        )
        if tokens:
            highest = int(shard.values.max())
            _require(shard.values.min() >= 0 and highest < vocabulary_size, "ids out of range")
    except FileNotFoundError:
        reason = "it is missing"
    except (_DamagedError, pa.ArrowException, OSError, ValueError, TypeError, MemoryError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0][:120]
    else:
        return shard
    raise FolderError(f"{path}: this file of encoded text is damaged ({reason}); {CURE}") from None


class _DamagedError(ValueError):
    """The reason why a file is refused."""


def _require(condition: object, reason: str) -> None:
    if not condition:
        raise _DamagedError(reason)


def _read(path: Path) -> Shard:
    with pa.memory_map(str(path)) as source:
        file = pa.ipc.open_file(source)
        _require(file.schema.equals(_SCHEMA), "another schema")
        _require(file.num_record_batches == 1, "not one batch")
        batch: Any = file.get_batch(0)
    batch.validate(full=True)
    _require(not batch["ids"].null_count and not batch["document"].null_count, "nulls")
    values, offsets = values_and_offsets(batch["ids"])
    return Shard(values, offsets, np.asarray(batch["document"], dtype=np.int64))


def _checksum(values: Int32s, offsets: Int64s) -> int:
    """Return the CRC-32 of the rows: it detects damage, not manipulation."""
    ids: Any = np.ascontiguousarray(values)
    places: Any = np.ascontiguousarray(offsets)
    return zlib.crc32(places, zlib.crc32(ids))
