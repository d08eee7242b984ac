"""Column names of a file, before it is read."""

from pathlib import Path
from typing import Any

from munjang.data.collection import column_names, is_table
from munjang.data.readers.columnar import open_parquet
from munjang.data.readers.encodings import detect_codec, resolve_codec
from munjang.data.readers.formats import detect_format
from munjang.data.readers.header import is_quoted
from munjang.data.readers.line_stream import LineStream
from munjang.data.readers.lines import parse_object
from munjang.data.readers.rowwise import RowReader
from munjang.data.readers.source import PARQUET_MAGIC, open_source, source_name
from munjang.errors import DataError
from munjang.names import find_existing_path


def peek_columns(data: Any, encoding: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    """Return the column names of a data frame or of the first file; empty if there are none.

    Standard input and pipes are not read, as their start could not be read again. A file that
    cannot be read has no columns here: its reader says why.

    Args:
        data: as for `munjang.data.readers.read_table`.
        encoding: encoding of text files.
        usual: usual names of text columns, by which a header is recognized.
    """
    if is_table(data):
        return tuple(column_names(data))
    paths = [data] if isinstance(data, str | Path) else data
    if not isinstance(paths, list | tuple) or not paths or not isinstance(paths[0], str | Path):
        return ()
    if not find_existing_path(paths[0]).is_file():
        return ()
    try:
        return _peek_file(paths[0], encoding, usual)
    except DataError:
        return ()


def _peek_file(path: str | Path, encoding: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    name = source_name(path)
    with open_source(path) as stream:
        head = stream.peek()
        if head.startswith(PARQUET_MAGIC):
            return tuple(open_parquet(stream, name=name).schema_arrow.names)
        codec, mark = detect_codec(head, resolve_codec(encoding), name=name)
        stream.read(mark)
        lines = LineStream(stream, codec, name=name, strict=False, mark=mark)
        form = detect_format(name, lines.head(), usual=usual)
        first = next((line for line in lines.head().split(b"\n") if line.strip(b"\r")), b"")
        if form.kind == "jsonl":
            record = parse_object(first.decode(errors="replace"))
            return tuple(record) if isinstance(record, dict) else ()
        if form.kind == "text":
            return ()
        quoted = form.kind == "csv" or is_quoted(first, form.delimiter.encode())
        return RowReader(
            lines, form.delimiter, quoted=quoted, file=name, is_suspect=lambda: True
        ).names
