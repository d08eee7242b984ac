"""Readers of typed columns: Parquet, data frames and Python lists."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from munjang.data.collection import collect_values
from munjang.data.readers.records import TEXT_AND_LABEL, Column, Kinds, Records
from munjang.errors import DataError


def read_parquet(source: BinaryIO, *, name: str) -> Records:
    """Read Parquet, decoding only the columns that are used.

    Args:
        source: a seekable file.
        name: name of the source, for messages.

    Raises:
        DataError: the file is not Parquet, is cut off, or has no rows.
    """
    file = open_parquet(source, name=name)

    def column(wanted: str) -> Column:
        try:
            values = file.read(columns=[wanted], use_threads=True)[wanted]
            values.validate(full=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise damaged_parquet_error(name, error) from error
        series = pl.from_arrow(values)
        assert isinstance(series, pl.Series)
        return series

    count = file.metadata.num_rows
    if not count:
        raise DataError("there are columns but no row", file=name)
    rows = np.arange(1, count + 1, dtype=np.int64)
    return Records(name, rows, tuple(file.schema_arrow.names), column)


def open_parquet(source: BinaryIO, *, name: str) -> Any:
    """Open a seekable file as a `pyarrow.parquet.ParquetFile`.

    Raises:
        DataError: the file is not Parquet, or is cut off.
    """
    try:
        return pq.ParquetFile(source)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged_parquet_error(name, error) from error


def damaged_parquet_error(name: str, error: Exception) -> DataError:
    """Return the error about a Parquet file that cannot be read."""
    return DataError(
        f"not a whole Parquet file ({' '.join(str(error).split())}); "
        "it is damaged or cut off: copy or write it again",
        file=name,
    )


def read_frame(frame: Any) -> Records:
    """Read a data frame of Polars, pandas or PyArrow. Rows are counted from 1.

    Raises:
        DataError: the frame has no rows.
    """
    name = "the data frame"
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    is_arrow = isinstance(frame, pa.Table | pa.RecordBatch)
    columns = frame.schema.names if is_arrow else frame.columns
    names = tuple(str(column) for column in columns)
    originals = dict(zip(reversed(names), reversed(list(columns)), strict=True))
    if not len(frame):
        raise DataError("it has no row", file=name)

    def column(wanted: str) -> Column:
        if is_arrow:  # by position: names may occur twice
            values = pl.from_arrow(frame.column(names.index(wanted)))
        else:
            values = frame[originals[wanted]]
        return _to_column(values, wanted, nested=True)

    return Records(name, np.arange(1, len(frame) + 1, dtype=np.int64), names, column)


def read_lists(texts: Any, labels: Any = None, *, kinds: Kinds = TEXT_AND_LABEL) -> Records:
    """Read texts and, if given, labels from Python. Rows are counted from 1.

    Args:
        texts: a collection of strings.
        labels: a collection with one label per text, or None.
        kinds: names of the two columns.

    Raises:
        DataError: there are no texts, the numbers of texts and labels differ, or one of the two is
            not a collection.
    """
    text, label = kinds
    return read_columns({text: texts, label: labels}, f"the {text}s given")


def read_columns(columns: Mapping[str, Any], name: str) -> Records:
    """Read columns from Python: one or more of texts, and last their labels, which may be None.

    Rows are counted from 1.

    Args:
        columns: values by name of the column.
        name: name of all of them, for messages.

    Raises:
        DataError: as `read_lists`.
    """
    *texts, label = columns
    values = {kind: _to_column(columns[kind], kind) for kind in texts}
    count = len(values[texts[0]])
    if columns[label] is not None:
        values[label] = _to_column(columns[label], label, nested=True)
    for kind, column in values.items():
        if len(column) != count:
            raise DataError(
                f"expected one {kind} per {texts[0]}, got {count:,} {texts[0]}s and "
                f"{len(column):,} {kind}s"
            )
    if not count:
        raise DataError(f"there are no {texts[0]}s")
    rows = np.arange(1, count + 1, dtype=np.int64)
    return Records(name, rows, tuple(values), values.__getitem__)


def _to_column(values: Any, kind: str, *, nested: bool = False) -> Column:
    if isinstance(values, pl.Series):
        return values
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return cast(pl.Series, pl.from_arrow(values))
    if str(getattr(values, "dtype", "")) == "float32" and len(values.shape) == 1:
        # Python floats have 64 bits: a 32-bit 0.1 would become 0.10000000149011612
        return pl.Series(np.asarray(values))
    return collect_values(values, kind, nested=nested)
