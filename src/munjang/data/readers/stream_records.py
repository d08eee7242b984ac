"""Texts of a stream record by record, per format."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

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
from munjang.data.readers.line_stream import LineStream, any_row
from munjang.data.readers.lines import BAD_JSON, parse_object, reject_array
from munjang.data.readers.records import MISSING
from munjang.data.readers.rowwise import RowReader
from munjang.data.readers.values import EMPTY, NO_KEY, NOT_TEXT, SURROGATE, describe_invalid_unicode
from munjang.errors import ConfigError, DataError
from munjang.reporting import Report

# A text, or the texts of a row that has several.
Texts = str | tuple[str, ...]
# Row number, and its text or texts, what is wrong with them, or None for a blank line.
Record = tuple[int, Texts | BadRow | None]
# Per text of a row, the columns whose joined values are the text.
Chosen = list[list[str]]


class Wanted(Protocol):
    """The columns of texts to look for."""

    @property
    def names(self) -> tuple[str | None, ...]:
        """Columns that the user named, by which a header is recognized."""

    @property
    def usual(self) -> tuple[str | None, ...]:
        """Further names by which a header is recognized."""

    def choose(self, names: Sequence[str], report: Report, *, file: str, row: int | None) -> Chosen:
        """Choose among the columns of a table, and report what was inferred.

        Raises:
            DataError: there is no such column, or none can be inferred.
        """

    def split_line(self, line: str, *, file: str) -> Texts | BadRow:
        """Return the text or texts of a line of plain text.

        Raises:
            DataError: a column is named, which plain text does not have.
        """


@dataclass(frozen=True)
class WantedColumn:
    """One column of texts.

    Attributes:
        name: column that the user named; it must exist.
        trained: column that the model was trained on, taken if it exists.
    """

    name: str | None = None
    trained: str | None = None

    @property
    def names(self) -> tuple[str | None, ...]:
        """The column that the user named."""
        return (self.name,)

    @property
    def usual(self) -> tuple[str | None, ...]:
        """The column of the training."""
        return (self.trained,)

    def choose(self, names: Sequence[str], report: Report, *, file: str, row: int | None) -> Chosen:
        """Choose the named column, that of the training, or one with a usual name."""
        return [_choose_columns(names, self, report, file=file, row=row)]

    def split_line(self, line: str, *, file: str) -> Texts | BadRow:
        """Return the line."""
        if self.name not in (None, "text"):
            raise DataError(
                f"there is no column {self.name!r}: this is plain text, one text per line",
                file=file,
            )
        return line


def wanted_text(named: Mapping[str, str | None], trained: str | None) -> WantedColumn:
    """Return the column of the setting `text_column`, or else that of the training.

    Raises:
        ConfigError: another column is named.
    """
    other = next((key for key, name in named.items() if name and key != "text_column"), None)
    if other is not None:
        raise ConfigError(
            f"{other}: a row of this model is one text, whose column is text_column (--text-column)"
        )
    return WantedColumn(named.get("text_column"), trained)


def read_line_records(
    lines: LineStream,
    form: Format,
    wanted: Wanted,
    report: Report,
    is_wanted: Callable[[int], bool] = any_row,
) -> Iterator[Record]:
    """Yield the records of a line-based format.

    Args:
        lines: the lines.
        form: the format.
        wanted: the columns.
        report: called with what is inferred.
        is_wanted: whether the record of a row number is yielded; others are passed over, but for
            those that names of columns are inferred from.
    """
    if form.kind == "jsonl":
        yield from _read_jsonlines(lines, wanted, report, is_wanted)
    elif form.kind == "text":
        lines.is_wanted = is_wanted
        yield from _read_plain(lines, wanted)
    else:
        yield from _read_delimited(lines, form, wanted, report, is_wanted)


def read_parquet_records(
    stream: io.BufferedReader, name: str, wanted: Wanted, report: Report, rows: int
) -> Iterator[Record]:
    """Yield the records of a Parquet file, decoding `rows` of them at a time."""
    # the index of Parquet is at its end, to which a pipe or a compressed file cannot seek
    file = open_parquet(stream if stream.seekable() else io.BytesIO(stream.read()), name=name)
    chosen = wanted.choose(file.schema_arrow.names, report, file=name, row=None)
    columns = list(dict.fromkeys(column for group in chosen for column in group))
    row = 0
    try:
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            for values in zip(*(batch[column].to_pylist() for column in columns), strict=True):
                row += 1
                yield row, _check_texts(dict(zip(columns, values, strict=True)), chosen)
    except (pa.ArrowException, OSError) as error:
        raise damaged_parquet_error(name, error) from error


def _read_plain(lines: LineStream, wanted: Wanted) -> Iterator[Record]:
    for line in lines:
        invalid = lines.is_suspect and _find_invalid(line)
        value = invalid or wanted.split_line(line.removesuffix("\r"), file=lines.name)
        yield lines.row, _with_raw(value, line)


def _read_jsonlines(
    lines: LineStream, wanted: Wanted, report: Report, is_wanted: Callable[[int], bool]
) -> Iterator[Record]:
    chosen: Chosen | None = None
    for line in lines:
        if chosen is None:
            reject_array(line, file=lines.name, row=lines.row)
        value = (lines.is_suspect and _find_invalid(line)) or parse_object(line)
        if isinstance(value, BadRow):
            yield lines.row, _with_raw(value, line)
            continue
        if isinstance(value, str):
            yield lines.row, BadRow(BAD_JSON, value, line) if value else None
            continue
        if chosen is None:
            chosen = wanted.choose(list(value), report, file=lines.name, row=lines.row)
            lines.is_wanted = is_wanted
        yield lines.row, _with_raw(_check_texts(value, chosen), line)


def _read_delimited(
    lines: LineStream,
    form: Format,
    wanted: Wanted,
    report: Report,
    is_wanted: Callable[[int], bool],
) -> Iterator[Record]:
    first = next((line for line in lines.head().split(b"\n") if line.strip(b"\r")), b"")
    quoted = form.kind == "csv" or is_quoted(first, form.delimiter.encode())
    reader = RowReader(
        lines,
        form.delimiter,
        quoted=quoted,
        file=lines.name,
        is_suspect=lambda: lines.is_suspect,
    )
    if not reader.names:
        return
    chosen = wanted.choose(reader.names, report, file=lines.name, row=reader.header_row)
    reader.is_wanted = is_wanted
    places = {column: reader.names.index(column) for group in chosen for column in group}
    single = next(iter(places.values())) if len(places) == 1 else None
    for row, fields in reader:
        if not isinstance(fields, list):
            yield row, fields
        elif single is not None and len(chosen) == 1:
            yield row, fields[single]
        else:
            values = {column: fields[place] for column, place in places.items()}
            yield row, _with_raw(_check_texts(values, chosen), *fields, delimiter=form.delimiter)


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


def _check_texts(values: Mapping[str, Any], chosen: Chosen) -> Texts | BadRow:
    """Return the text or texts of one record, or the first defect."""
    texts = [_check_text([values.get(c, MISSING) for c in columns], columns) for columns in chosen]
    bad = next((text for text in texts if isinstance(text, BadRow)), None)
    if bad is not None:
        return bad
    kept = tuple(text for text in texts if isinstance(text, str))
    return kept[0] if len(kept) == 1 else kept


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


def _with_raw(value: Texts | BadRow, *fields: str, delimiter: str = "") -> Texts | BadRow:
    """Return the value; a bad row with the content of the row."""
    if not isinstance(value, BadRow):
        return value
    return replace(value, raw=delimiter.join(fields).removesuffix("\r"))
