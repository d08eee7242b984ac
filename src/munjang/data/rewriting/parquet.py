"""Parquet files with other values in one column."""

import io
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from munjang.data.readers.columnar import open_parquet
from munjang.data.rewriting.original import Original


def replace_values(
    original: Original, column: str, values: Mapping[int, str], examples: Mapping[str, int]
) -> bytes:
    """Return a Parquet file with other values in one column.

    Schema, order of the columns, row groups and compression stay. A value is copied from another
    row, so that its type is that of the column.

    Args:
        original: the file.
        column: name of the column.
        values: new values, by the number of the row.
        examples: a row with this value, by value.

    Raises:
        DataError: the file is damaged.
    """
    file = open_parquet(io.BytesIO(original.data), name=original.name)
    table = file.read()
    chosen = np.arange(len(table), dtype=np.int64)
    for row, value in values.items():
        chosen[row - 1] = examples[value] - 1
    place = table.schema.names.index(column)
    changed = table.column(place).take(pa.array(chosen))
    table = table.set_column(place, table.schema.field(place), changed)
    table = table.replace_schema_metadata(file.schema_arrow.metadata)
    return original.pack(_write(table, file.metadata))


def _write(table: pa.Table, metadata: pq.FileMetaData) -> bytes:
    """Write a table in the row groups and with the compression of another file."""
    compression = {}
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        for number in range(group.num_columns):
            part = group.column(number)
            name = part.compression.lower()
            compression[part.path_in_schema] = "none" if name == "uncompressed" else name
    sink = io.BytesIO()
    start = 0
    with pq.ParquetWriter(sink, table.schema, compression=compression or "snappy") as writer:
        for number in range(metadata.num_row_groups):
            rows = metadata.row_group(number).num_rows
            if rows:
                writer.write_table(table.slice(start, rows), row_group_size=rows)
            start += rows
    return sink.getvalue()
