"""The text of each record of a stream, format by format."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from munjang.data.readers.arriving import Lines
from munjang.data.readers.columns import column_parts, existing_columns, joined, text_by_name
from munjang.data.readers.corrupt import INVALID, NUL
from munjang.data.readers.faults import shorten
from munjang.data.readers.formats import Format
from munjang.data.readers.header import header_names, is_quoted, shown, wrong_fields
from munjang.data.readers.lines import BAD_JSON, parse_object, reject_array
from munjang.data.readers.quoted import quoted_records
from munjang.data.readers.records import MISSING
from munjang.data.readers.rowwise import MALFORMED
from munjang.data.readers.typed import damaged_parquet, open_parquet
from munjang.data.readers.values import EMPTY, NO_KEY, NOT_TEXT, SURROGATE, not_unicode
from munjang.errors import DataError
from munjang.reporting import Report


@dataclass(frozen=True)
class Bad:
    """Why a row cannot be used: a reason to count it by, and what to say."""

    reason: str
    message: str


@dataclass(frozen=True)
class Wanted:
    """Which column holds the texts.

    Attributes:
        name: the person's word; it has to be there.
        trained: the column that the model was trained on, taken where it is there.
    """

    name: str | None = None
    trained: str | None = None


# The row number, with its text, with what is wrong, or with None for a blank line.
Record = tuple[int, str | Bad | None]


def line_records(lines: Lines, form: Format, wanted: Wanted, report: Report) -> Iterator[Record]:
    """The records of a format made of lines."""
    if form.kind == "jsonl":
        yield from _jsonlines(lines, wanted, report)
    elif form.kind == "text":
        yield from _plain(lines, wanted.name)
    else:
        yield from _delimited(lines, form, wanted, report)


def parquet_records(
    stream: io.BufferedReader, name: str, wanted: Wanted, report: Report, rows: int
) -> Iterator[Record]:
    """The records of a Parquet file, `rows` of them decoded at a time."""
    # Parquet begins at its end, which a pipe and a compressed file cannot jump to.
    file = open_parquet(stream if stream.seekable() else io.BytesIO(stream.read()), name=name)
    columns = _choose(file.schema_arrow.names, wanted, report, file=name, row=None)
    row = 0
    try:
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            for values in zip(*(batch[column].to_pylist() for column in columns), strict=True):
                row += 1
                yield row, _text(values, columns)
    except (pa.ArrowException, OSError) as error:
        raise damaged_parquet(name, error) from error


def _plain(lines: Lines, text_column: str | None) -> Iterator[Record]:
    if text_column not in (None, "text"):
        raise DataError(
            f"there is no column {text_column!r}: this is plain text, one text a line",
            file=lines.name,
        )
    for line in lines:
        yield lines.row, _corrupt(line) or line.removesuffix("\r")


def _jsonlines(lines: Lines, wanted: Wanted, report: Report) -> Iterator[Record]:
    columns: list[str] | None = None
    for line in lines:
        if columns is None:
            reject_array(line, file=lines.name, row=lines.row)
        value = _corrupt(line) or parse_object(line)
        if isinstance(value, Bad):
            yield lines.row, value
            continue
        if isinstance(value, str):
            yield lines.row, Bad(BAD_JSON, value) if value else None
            continue
        if columns is None:
            columns = _choose(list(value), wanted, report, file=lines.name, row=lines.row)
        yield lines.row, _text([value.get(column, MISSING) for column in columns], columns)


def _delimited(lines: Lines, form: Format, wanted: Wanted, report: Report) -> Iterator[Record]:
    first = next((line for line in lines.head().split(b"\n") if line.strip(b"\r")), b"")
    quoted = form.kind == "csv" or is_quoted(first, form.delimiter.encode())
    records = quoted_records(lines, form.delimiter, quoted=quoted)
    row, header = next(((row, fields) for row, fields in records if fields), (0, []))
    if not header:
        return
    if isinstance(header, str):
        raise DataError(header, file=lines.name, row=row)
    names = header_names(header, file=lines.name, row=row)
    columns = _choose(names, wanted, report, file=lines.name, row=row)
    places = [names.index(column) for column in columns]
    for row, fields in records:
        if isinstance(fields, str):
            yield row, Bad(MALFORMED, fields)
        elif not fields:
            yield row, None
        elif corrupt := _corrupt("".join(fields)):
            yield row, corrupt
        elif len(fields) != len(names):
            counts = np.array([row]), np.array([len(fields)])
            fault = wrong_fields(*counts, names, form.delimiter)
            yield row, Bad(fault.reason, fault.message(0))
        elif len(places) == 1:
            yield row, fields[places[0]]
        else:
            yield row, _text([fields[place] for place in places], columns)


def _choose(
    names: Sequence[str], wanted: Wanted, report: Report, *, file: str, row: int | None
) -> list[str]:
    """The columns whose values, joined, are the text."""
    if wanted.name is not None:
        return existing_columns(names, wanted.name, "text", file=file, row=row)
    own = [] if wanted.trained is None else column_parts(names, wanted.trained)
    if own and all(column in names for column in own):
        own = existing_columns(names, "+".join(own), "text", file=file, row=row)
        report(f"text column: {wanted.trained} (the one that the model was trained on)")
        return own
    guess = names[0] if len(names) == 1 else text_by_name(names)
    if guess is None:
        raise DataError(
            f"found no column of texts among {shown(names)}: name it with --text-column "
            "(text_column=...)",
            file=file,
            row=row,
        )
    instead = f"; there is none named {wanted.trained}, as in the training" if own else ""
    why = "the only column" if len(names) == 1 else "by its name"
    report(f"text column: {guess} (guessed: {why}{instead})")
    return existing_columns(names, guess, "text", file=file, row=row)


def _text(values: Sequence[Any], columns: Sequence[str]) -> str | Bad:
    """The text of one record, told as the table's reader tells what is wrong with it."""
    value = values[0] if len(values) == 1 else joined(values)
    name = "+".join(columns)
    if isinstance(value, str):
        said = not_unicode(value)
        return value if said is None else Bad(SURROGATE, said)
    if value is MISSING:
        return Bad(NO_KEY, f"expected the key {name!r}, which this line does not have")
    if value is None:
        return Bad(EMPTY.format("text"), f"expected a text in column {name!r}, got nothing")
    message = f"expected a string in the text column {name!r}, got {shorten(value)}"
    return Bad(NOT_TEXT.format("text"), message)


def _corrupt(record: str) -> Bad | None:
    """What is wrong with the bytes of a record, if they are not those of text."""
    reason = NUL if "\0" in record else INVALID if not_unicode(record) else None
    return Bad(reason, f"the row holds {reason}") if reason else None
