"""Sources whose values have types: Parquet, data frames and Python lists."""

from typing import Any, BinaryIO, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from munjang.data.collection import values_of
from munjang.data.readers.records import TEXT_AND_LABEL, Column, Kinds, Records
from munjang.errors import DataError


def read_parquet(source: BinaryIO, *, name: str) -> Records:
    """Read Parquet; only the chosen columns are decoded.

    Args:
        source: a file that can be sought.
        name: for messages.

    Raises:
        DataError: it is not Parquet, is cut off, or has no rows.
    """
    file = open_parquet(source, name=name)

    def column(wanted: str) -> Column:
        try:
            values = file.read(columns=[wanted], use_threads=True)[wanted]
            values.validate(full=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise damaged_parquet(name, error) from error
        series = pl.from_arrow(values)
        assert isinstance(series, pl.Series)
        return series

    count = file.metadata.num_rows
    if not count:
        raise DataError("there are columns but no row", file=name)
    rows = np.arange(1, count + 1, dtype=np.int64)
    return Records(name, rows, tuple(file.schema_arrow.names), column)


def open_parquet(source: BinaryIO, *, name: str) -> Any:
    """A `pyarrow.parquet.ParquetFile` over a file that can be sought.

    Raises:
        DataError: it is not Parquet, or is cut off.
    """
    try:
        return pq.ParquetFile(source)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged_parquet(name, error) from error


def damaged_parquet(name: str, error: Exception) -> DataError:
    """What to say about Parquet that does not read."""
    return DataError(
        f"not a whole Parquet file ({' '.join(str(error).split())}); "
        "it is damaged or cut off: copy or write it again",
        file=name,
    )


def read_frame(frame: Any) -> Records:
    """Read a data frame of Polars, pandas or PyArrow. Rows are counted from 1.

    Raises:
        DataError: it has no rows.
    """
    name = "the data frame"
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    of_arrow = isinstance(frame, pa.Table | pa.RecordBatch)
    columns = frame.schema.names if of_arrow else frame.columns
    names = tuple(str(column) for column in columns)
    originals = dict(zip(reversed(names), reversed(list(columns)), strict=True))
    if not len(frame):
        raise DataError("it has no row", file=name)

    def column(wanted: str) -> Column:
        if of_arrow:  # by its place: names may stand twice
            values = pl.from_arrow(frame.column(names.index(wanted)))
        else:
            values = frame[originals[wanted]]
        return _column(values, wanted, nested=True)

    return Records(name, np.arange(1, len(frame) + 1, dtype=np.int64), names, column)


def read_lists(texts: Any, labels: Any = None, *, kinds: Kinds = TEXT_AND_LABEL) -> Records:
    """Read texts and, if given, labels from Python. Rows are counted from 1.

    Args:
        texts: strings.
        labels: one a text.
        kinds: names of the two columns.

    Raises:
        DataError: there are no texts, not as many labels, or one of the two is no collection.
    """
    text, label = kinds
    columns = {text: _column(texts, text)}
    count = len(columns[text])
    if labels is not None:
        columns[label] = _column(labels, label, nested=True)
        if len(columns[label]) != count:
            raise DataError(
                f"expected one {label} a {text}, got {count:,} {text}s and "
                f"{len(columns[label]):,} {label}s"
            )
    if not count:
        raise DataError(f"there are no {text}s")
    rows = np.arange(1, count + 1, dtype=np.int64)
    return Records(f"the {text}s given", rows, tuple(columns), columns.__getitem__)


def _column(values: Any, kind: str, *, nested: bool = False) -> Column:
    if isinstance(values, pl.Series):
        return values
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return cast(pl.Series, pl.from_arrow(values))
    if str(getattr(values, "dtype", "")) == "float32" and len(values.shape) == 1:
        # floats of Python would have the digits of 64 bits: 0.1 would be 0.10000000149011612
        return pl.Series(np.asarray(values))
    return values_of(values, kind, nested=nested)
