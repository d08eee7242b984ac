"""Texts of a stream record by record, per format."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from munjang.data.readers.columnar import damaged_parquet_error, open_parquet
from munjang.data.readers.columns import (
    find_text_column,
    join_texts,
    resolve_columns,
    split_column_name,
)
from munjang.data.readers.corruption import find_invalid_characters
from munjang.data.readers.faults import BadRow, shorten
from munjang.data.readers.formats import Format
from munjang.data.readers.header import is_quoted, join_names
from munjang.data.readers.line_stream import LineStream
from munjang.data.readers.lines import BAD_JSON, parse_object, reject_array
from munjang.data.readers.records import MISSING
from munjang.data.readers.rowwise import RowReader
from munjang.data.readers.values import EMPTY, NO_KEY, NOT_TEXT, SURROGATE, describe_invalid_unicode
from munjang.errors import DataError
from munjang.reporting import Report


@dataclass(frozen=True)
class WantedColumn:
    """Column of texts to look for.

    Attributes:
        name: column that the user named; it must exist.
        trained: column that the model was trained on, taken if it exists.
    """

    name: str | None = None
    trained: str | None = None


# Row number, and the text, what is wrong with it, or None for a blank line.
Record = tuple[int, str | BadRow | None]


def read_line_records(
    lines: LineStream, form: Format, wanted: WantedColumn, report: Report
) -> Iterator[Record]:
    """Yield the records of a line-based format."""
    if form.kind == "jsonl":
        yield from _read_jsonlines(lines, wanted, report)
    elif form.kind == "text":
        yield from _read_plain(lines, wanted.name)
    else:
        yield from _read_delimited(lines, form, wanted, report)


def read_parquet_records(
    stream: io.BufferedReader, name: str, wanted: WantedColumn, report: Report, rows: int
) -> Iterator[Record]:
    """Yield the records of a Parquet file, decoding `rows` of them at a time."""
    # the index of Parquet is at its end, to which a pipe or a compressed file cannot seek
    file = open_parquet(stream if stream.seekable() else io.BytesIO(stream.read()), name=name)
    columns = _choose_columns(file.schema_arrow.names, wanted, report, file=name, row=None)
    row = 0
    try:
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            for values in zip(*(batch[column].to_pylist() for column in columns), strict=True):
                row += 1
                yield row, _check_text(values, columns)
    except (pa.ArrowException, OSError) as error:
        raise damaged_parquet_error(name, error) from error


def _read_plain(lines: LineStream, text_column: str | None) -> Iterator[Record]:
    if text_column not in (None, "text"):
        raise DataError(
            f"there is no column {text_column!r}: this is plain text, one text per line",
            file=lines.name,
        )
    for line in lines:
        yield lines.row, _find_invalid(line) or line.removesuffix("\r")


def _read_jsonlines(lines: LineStream, wanted: WantedColumn, report: Report) -> Iterator[Record]:
    columns: list[str] | None = None
    for line in lines:
        if columns is None:
            reject_array(line, file=lines.name, row=lines.row)
        value = _find_invalid(line) or parse_object(line)
        if isinstance(value, BadRow):
            yield lines.row, value
            continue
        if isinstance(value, str):
            yield lines.row, BadRow(BAD_JSON, value) if value else None
            continue
        if columns is None:
            columns = _choose_columns(list(value), wanted, report, file=lines.name, row=lines.row)
        yield lines.row, _check_text([value.get(column, MISSING) for column in columns], columns)


def _read_delimited(
    lines: LineStream, form: Format, wanted: WantedColumn, report: Report
) -> Iterator[Record]:
    first = next((line for line in lines.head().split(b"\n") if line.strip(b"\r")), b"")
    quoted = form.kind == "csv" or is_quoted(first, form.delimiter.encode())
    reader = RowReader(lines, form.delimiter, quoted=quoted, file=lines.name)
    if not reader.names:
        return
    columns = _choose_columns(reader.names, wanted, report, file=lines.name, row=reader.header_row)
    places = [reader.names.index(column) for column in columns]
    for row, fields in reader:
        if not isinstance(fields, list):
            yield row, fields
        elif len(places) == 1:
            yield row, fields[places[0]]
        else:
            yield row, _check_text([fields[place] for place in places], columns)


def _choose_columns(
    names: Sequence[str], wanted: WantedColumn, report: Report, *, file: str, row: int | None
) -> list[str]:
    """Return the columns whose joined values are the text."""
    if wanted.name is not None:
        return resolve_columns(names, wanted.name, "text", file=file, row=row)
    trained = [] if wanted.trained is None else split_column_name(names, wanted.trained)
    if trained and all(column in names for column in trained):
        trained = resolve_columns(names, "+".join(trained), "text", file=file, row=row)
        report(f"text column: {wanted.trained} (the model was trained on it)")
        return trained
    guess = names[0] if len(names) == 1 else find_text_column(names)
    if guess is None:
        raise DataError(
            f"found no text column; the columns are {join_names(names)}: name it with "
            "--text-column (text_column=...)",
            file=file,
            row=row,
        )
    instead = f"; there is none named {wanted.trained}, as in training" if trained else ""
    why = "the only column" if len(names) == 1 else "by its name"
    report(f"text column: {guess} (inferred: {why}{instead})")
    return resolve_columns(names, guess, "text", file=file, row=row)


def _check_text(values: Sequence[Any], columns: Sequence[str]) -> str | BadRow:
    """Return the text of one record, or the same defect that `clean_texts` reports."""
    value = values[0] if len(values) == 1 else join_texts(values)
    name = "+".join(columns)
    if isinstance(value, str):
        problem = describe_invalid_unicode(value)
        return value if problem is None else BadRow(SURROGATE, problem)
    if value is MISSING:
        return BadRow(NO_KEY, f"expected the key {name!r}, which this line does not have")
    if value is None:
        return BadRow(EMPTY.format("text"), f"expected a text in column {name!r}, got nothing")
    message = f"expected a string in the text column {name!r}, got {shorten(value)}"
    return BadRow(NOT_TEXT.format("text"), message)


def _find_invalid(line: str) -> BadRow | None:
    """Return what is wrong with the characters of a line, or None."""
    reason = find_invalid_characters(line)
    return BadRow(reason, f"the row holds {reason}") if reason else None
