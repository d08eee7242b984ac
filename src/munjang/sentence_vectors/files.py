"""Files of vectors: written row by row in bounded memory, atomically, and read block by block.

`.npy` holds the vectors alone, one per row. `.parquet` also holds the number of each row in its
file, its text unless left out, and which model the vectors are of.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from munjang.data.readers.columnar import damaged_parquet_error
from munjang.errors import ConfigError, DataError
from munjang.folder.manifest import write_whole
from munjang.parsing import UnreadableError, parse_json

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

SUFFIXES = (".npy", ".parquet")
NPY_MAGIC, PARQUET_MAGIC = b"\x93NUMPY", b"PAR1"
_BLOCK_ROWS = 8192
_KEY = b"munjang.vectors"
_MOST_RECORD_BYTES = 10_000


@dataclass(frozen=True)
class VectorRecord:
    """Record of how vectors were made; vectors of other records cannot be compared.

    Attributes:
        model: fingerprint of the model.
        pooling: pooling of the vectors.
        normalized: True if each vector was divided by its length.
    """

    model: str
    pooling: str
    normalized: bool


@dataclass(frozen=True)
class VectorBlock:
    """Some rows of a file of vectors.

    Attributes:
        vectors: [rows, dim].
        rows: number of each row [rows].
        texts: text of each row; None if the file has no texts.
    """

    vectors: Vectors
    rows: Ints
    texts: Sequence[str] | None = None


class VectorWriter(Protocol):
    """A writer of one kind of file."""

    def write(self, block: VectorBlock) -> None:
        """Append rows."""

    def finish(self) -> None:
        """Complete the file."""


class NpyWriter:
    """Writer of an array [rows, dim] of float32 in NumPy's format, whose length is set last."""

    def __init__(self, file: BinaryIO, dim: int) -> None:
        self.file = file
        self.dim = dim
        self.rows = 0
        self._write_header()

    def _write_header(self) -> None:
        # NumPy leaves room in the header for a first dimension of any size
        shape = (self.rows, self.dim)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)

    def write(self, block: VectorBlock) -> None:
        """Append vectors."""
        self.file.write(np.ascontiguousarray(block.vectors, dtype="<f4").tobytes())
        self.rows += len(block.vectors)

    def finish(self) -> None:
        """Write the number of rows into the header."""
        self.file.seek(0)
        self._write_header()


class ParquetWriter:
    """Writer of the columns row, text and vector."""

    def __init__(
        self, path: Path, dim: int, record: VectorRecord | None, *, with_texts: bool
    ) -> None:
        self.dim = dim
        self.with_texts = with_texts
        fields = [pa.field("row", pa.int64(), nullable=False)]
        if with_texts:
            fields.append(pa.field("text", pa.string(), nullable=False))
        fields.append(pa.field("vector", pa.list_(pa.float32(), dim), nullable=False))
        metadata = None if record is None else {_KEY: json.dumps(asdict(record))}
        self.schema = pa.schema(fields, metadata=metadata)
        # vectors do not repeat, so that a dictionary of them would only cost time
        self.file = pq.ParquetWriter(path, self.schema, use_dictionary=False)

    def write(self, block: VectorBlock) -> None:
        """Append rows as one row group."""
        flat = np.ascontiguousarray(block.vectors, dtype=np.float32).reshape(-1)
        columns = [pa.array(block.rows, pa.int64())]
        if self.with_texts:
            columns.append(pa.array(block.texts, pa.string()))
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), self.dim))
        self.file.write_table(pa.Table.from_arrays(columns, schema=self.schema))

    def finish(self) -> None:
        """Write the footer."""
        self.file.close()


def check_suffix(path: Path) -> str:
    """Return the suffix of a file to write vectors to, lower-case.

    Raises:
        ConfigError: it is neither .npy nor .parquet.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{path}: expected a file name that ends in {' or '.join(SUFFIXES)} to write vectors to"
        )
    return suffix


@contextmanager
def open_writer(
    path: Path, dim: int, record: VectorRecord | None, *, with_texts: bool
) -> Iterator[VectorWriter]:
    """Yield the writer of a file, which is complete at the end of the block, or unchanged.

    Args:
        path: a name that `check_suffix` accepts.
        dim: width of the vectors.
        record: how the vectors are made; None leaves it out.
        with_texts: whether a Parquet file gets a column of texts.

    Raises:
        OSError: the file cannot be written; it is named.
    """
    suffix = check_suffix(path)
    with (
        write_whole(path) as partial,
        write_vectors(partial, suffix, dim, record, with_texts=with_texts) as writer,
    ):
        yield writer


@contextmanager
def write_vectors(
    path: Path, suffix: str, dim: int, record: VectorRecord | None, *, with_texts: bool
) -> Iterator[VectorWriter]:
    """Yield the writer of a new file, which is complete at the end of the block.

    Args:
        path: path to write to.
        suffix: one of `SUFFIXES`, which decides about the kind of file.
        dim: width of the vectors.
        record: how the vectors are made; None leaves it out.
        with_texts: whether a Parquet file gets a column of texts.
    """
    if suffix == ".parquet":
        rows = ParquetWriter(path, dim, record, with_texts=with_texts)
        try:
            yield rows
        finally:
            rows.finish()
        return
    with path.open("wb") as file:
        writer = NpyWriter(file, dim)
        yield writer
        writer.finish()


@dataclass(frozen=True)
class VectorFile:
    """An existing file of vectors.

    Attributes:
        path: path of the file.
        dim: width of the vectors.
        record: how they were made; None if the file does not say so.
        content: the array of a `.npy` file, or an opened Parquet file.
    """

    path: Path
    dim: int
    record: VectorRecord | None
    content: Any

    def blocks(self) -> Iterator[VectorBlock]:
        """Yield all rows in order.

        Raises:
            DataError: the file is damaged, or holds numbers that are not finite.
        """
        rows = _npy_blocks if isinstance(self.content, np.ndarray) else _parquet_blocks
        for block in rows(self):
            if not np.isfinite(block.vectors).all():
                raise DataError("the vectors hold numbers that are not finite", file=str(self.path))
            yield block


def open_vectors(path: Path) -> VectorFile | None:
    """Open a file of vectors; return None if a file holds something else, such as texts.

    Raises:
        DataError: the file is damaged, or its vectors have another form.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(NPY_MAGIC))
    except OSError:
        return None  # which the reader of texts explains
    if head == NPY_MAGIC:
        return _open_npy(path)
    return _open_parquet(path) if head.startswith(PARQUET_MAGIC) else None


def _open_npy(path: Path) -> VectorFile:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError) as error:
        reason = (str(error).splitlines() or ["cut off"])[0][:200]
        raise DataError(f"not a whole .npy file ({reason}); write it again", file=str(path)) from (
            None
        )
    if array.ndim != 2 or array.dtype not in (np.float32, np.float64, np.float16):
        raise DataError(
            f"expected an array of floating-point numbers [rows, dim], got {array.dtype} "
            f"{list(array.shape)}",
            file=str(path),
        )
    return VectorFile(path, array.shape[1], None, array)


def _npy_blocks(file: VectorFile) -> Iterator[VectorBlock]:
    for start in range(0, len(file.content), _BLOCK_ROWS):
        vectors = np.asarray(file.content[start : start + _BLOCK_ROWS], dtype=np.float32)
        yield VectorBlock(vectors, np.arange(start + 1, start + 1 + len(vectors)))


def _open_parquet(path: Path) -> VectorFile | None:
    try:
        content = pq.ParquetFile(path)
        schema = content.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged_parquet_error(str(path), error) from error
    if "vector" not in schema.names:
        return None
    kind = schema.field("vector").type
    if not (pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type)):
        return None
    return VectorFile(path, kind.list_size, _read_record(schema, path), content)


def _read_record(schema: Any, path: Path) -> VectorRecord | None:
    data = (schema.metadata or {}).get(_KEY)
    if data is None:
        return None
    try:
        values = parse_json(data, most_bytes=_MOST_RECORD_BYTES)
        record = VectorRecord(**values)
    except (UnreadableError, TypeError):
        record = None
    types = {"model": str, "pooling": str, "normalized": bool}
    if record is None or any(type(getattr(record, key)) is not kind for key, kind in types.items()):
        raise DataError(
            "the record of how the vectors were made is damaged; write them again", file=str(path)
        )
    return record


def _parquet_blocks(file: VectorFile) -> Iterator[VectorBlock]:
    names = file.content.schema_arrow.names
    columns = [name for name in ("row", "text", "vector") if name in names]
    start = 1
    try:
        for batch in file.content.iter_batches(batch_size=_BLOCK_ROWS, columns=columns):
            if any(batch[column].null_count for column in columns):
                raise DataError("a row has no vector, text or number", file=str(file.path))
            flat = batch["vector"].flatten().to_numpy(zero_copy_only=False)
            vectors = flat.astype(np.float32, copy=False).reshape(-1, file.dim)
            rows = np.arange(start, start + len(vectors))
            if "row" in columns:
                rows = batch["row"].to_numpy(zero_copy_only=False).astype(np.int64)
            texts = None if "text" not in columns else batch["text"].cast(pa.string()).to_pylist()
            start += len(vectors)
            yield VectorBlock(vectors, rows, texts)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged_parquet_error(str(file.path), error) from error
