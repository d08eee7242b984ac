"""Fast reader of CSV and TSV, which finds records and fields with array operations.

Fast readers of other libraries fill a short row with nulls, merge or drop stray quotes, and do not
report the line of a record. Here the places of delimiters, newlines and quotes are found first, so
that every record is checked and every value is a slice of the file. A file with malformed quotes is
left to `munjang.data.readers.rowwise`.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from munjang.data.readers.content import Content
from munjang.data.readers.corruption import blank_corrupt_rows
from munjang.data.readers.faults import Fault
from munjang.data.readers.header import (
    field_count_fault,
    is_quoted,
    no_rows_error,
    note_blank_lines,
    parse_header,
)
from munjang.data.readers.records import Records
from munjang.data.readers.rowwise import cut_records, parses_only_quoted, read_rowwise
from munjang.text.columns import Int64s

Bytes = npt.NDArray[np.uint8]

QUOTING_NOTE = "double quotes are read as quoting: the file parses only so"

NEWLINE, RETURN, QUOTE = 10, 13, 34
_FIRST_LINE = re.compile(rb"[^\r\n][^\n]*")


@dataclass(frozen=True)
class Layout:
    """Places of all records of a file.

    Attributes:
        starts, ends: byte range of each record, without its line ending.
        lines: 1-based line of each record's start.
        delimiters: places of the delimiters between fields.
        first: index in `delimiters` of each record's first delimiter.
        fields: number of fields of each record.
        blank: number of blank lines, except those at the end.
    """

    starts: Int64s
    ends: Int64s
    lines: Int64s
    delimiters: Int64s
    first: Int64s
    fields: Int64s
    blank: int


def read_delimited(content: Content, delimiter: str, *, quoting: bool) -> Records:
    """Read CSV or TSV.

    Args:
        content: UTF-8 content of a file.
        delimiter: one ASCII character.
        quoting: RFC 4180 quoting, as in CSV. If False (TSV), double quotes are ordinary
            characters, unless the header is quoted or the records have the right number of fields
            only with quoting.

    Raises:
        DataError: there is no row after the header.
    """
    plan = plan_layout(content.data, delimiter, quoting=quoting)
    content = replace(content, notes=(*content.notes, *plan.notes))
    if plan.layout is None:
        return read_rowwise(content, delimiter)
    notes = content.notes + note_blank_lines(plan.layout.blank)
    return _make_records(content, plan.layout, delimiter, plan.is_quoted, notes)


@dataclass(frozen=True)
class LayoutPlan:
    """How a file is read.

    Attributes:
        layout: places of the records; None if quotes are malformed.
        is_quoted: True if double quotes protect delimiters and newlines.
        notes: assumptions made.
    """

    layout: Layout | None
    is_quoted: bool
    notes: tuple[str, ...] = ()


def plan_layout(data: bytes, delimiter: str, *, quoting: bool) -> LayoutPlan:
    """Find out whether quotes mean something, and where the records are.

    Args:
        data: UTF-8.
        delimiter: one ASCII character.
        quoting: as for `read_delimited`.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    header = _FIRST_LINE.search(data)
    quoting = quoting or (header is not None and is_quoted(header[0], delimiter.encode()))
    quotes = np.flatnonzero(buffer == QUOTE) if b'"' in data else np.empty(0, dtype=np.int64)
    plain = None if quoting and len(quotes) else find_layout(buffer, delimiter, None)
    notes: tuple[str, ...] = ()
    if len(quotes) and plain is not None and not _is_uniform(plain):
        text = data.decode(errors="surrogateescape").removesuffix("\n")
        if parses_only_quoted(lambda: iter(text.split("\n")), delimiter):
            quoting, notes = True, (QUOTING_NOTE,)
    quoted = quoting and bool(len(quotes))
    if quoted and not _is_well_formed(buffer, quotes, ord(delimiter)):
        return LayoutPlan(None, quoted, notes)
    layout = find_layout(buffer, delimiter, quotes) if quoted or plain is None else plain
    return LayoutPlan(layout, quoted, notes)


def find_layout(buffer: Bytes, delimiter: str, quotes: Int64s | None) -> Layout:
    """Find every record and field.

    Args:
        buffer: the bytes of the file.
        delimiter: one ASCII character.
        quotes: places of the double quotes if they protect delimiters and newlines, else None.
    """
    newlines = np.flatnonzero(buffer == NEWLINE)
    delimiters = np.flatnonzero(buffer == ord(delimiter))
    breaks = newlines
    if quotes is not None:
        breaks, delimiters = _drop_quoted(newlines, quotes), _drop_quoted(delimiters, quotes)
    starts = np.concatenate([[0], breaks + 1])
    ends = np.concatenate([breaks, [len(buffer)]])
    lines = np.searchsorted(newlines, starts) + 1
    ends -= (ends > starts) & (buffer[np.maximum(ends - 1, 0)] == RETURN)
    full = ends > starts
    trailing = len(full) - 1 - int(np.flatnonzero(full)[-1])
    starts, ends = starts[full], ends[full]
    first = np.searchsorted(delimiters, starts)
    return Layout(
        starts=starts,
        ends=ends,
        lines=lines[full],
        delimiters=delimiters,
        first=first,
        fields=np.searchsorted(delimiters, ends) - first + 1,
        blank=int((~full).sum()) - trailing,
    )


def slice_strings(data: bytes, starts: Int64s, ends: Int64s) -> pl.Series:
    """Return the strings at ascending, disjoint byte ranges of valid UTF-8."""
    if not len(starts):
        return pl.Series([], dtype=pl.String)
    # One Arrow array holds the wanted strings and the gaps between them in turn: no loop.
    offsets = np.stack([starts, ends], axis=1).ravel()
    strings = pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data)
    )
    series = pl.from_arrow(strings)
    assert isinstance(series, pl.Series)
    return series.gather_every(2)


def _drop_quoted(places: Int64s, quotes: Int64s) -> Int64s:
    """Return the places outside of quotes: those that an even number of quotes precedes."""
    outside: Int64s = places[np.searchsorted(quotes, places) % 2 == 0]
    return outside


def _is_well_formed(buffer: Bytes, quotes: Int64s, delimiter: int) -> bool:
    """Return whether quotes are only around whole fields, and doubled inside (RFC 4180)."""
    if len(quotes) % 2:
        return False
    before = buffer[np.maximum(quotes[::2] - 1, 0)]
    before[quotes[::2] == 0] = NEWLINE
    following = quotes[1::2, None] + [1, 2]
    after, second = buffer[np.minimum(following, len(buffer) - 1)].T
    after[following[:, 0] >= len(buffer)] = NEWLINE
    opens = (before == delimiter) | (before == NEWLINE) | (before == QUOTE)
    closes = (after == delimiter) | (after == NEWLINE) | (after == QUOTE)
    closes |= (after == RETURN) & ((second == NEWLINE) | (following[:, 1] >= len(buffer)))
    return bool(opens.all() and closes.all())


def _is_uniform(layout: Layout) -> bool:
    return bool((layout.fields == layout.fields[0]).all())


def _make_records(
    content: Content, layout: Layout, delimiter: str, quoted: bool, notes: tuple[str, ...]
) -> Records:
    names = _read_header(content, layout, delimiter, quoted)
    data, damaged = content.data, np.empty(0, dtype=np.int64)
    faults: list[Fault] = []
    if content.suspect:
        data, faults, damaged = blank_corrupt_rows(data, layout.starts, layout.ends, layout.lines)
    keep = np.ones(len(layout.starts), dtype=bool)
    keep[0] = False
    keep[damaged] = False
    wrong = np.flatnonzero(keep & (layout.fields != len(names)))
    faults.append(field_count_fault(layout.lines[wrong], layout.fields[wrong], names, delimiter))
    keep[wrong] = False
    kept = np.flatnonzero(keep)
    inner = layout.delimiters[layout.first[kept, None] + np.arange(len(names) - 1)]
    edges = np.column_stack([layout.starts[kept] - 1, inner, layout.ends[kept]])
    places = {name: i for i, name in reversed(list(enumerate(names)))}

    def column(name: str) -> pl.Series:
        i = places[name]
        starts, ends = edges[:, i] + 1, edges[:, i + 1]
        return _unquote(data, starts, ends) if quoted else slice_strings(data, starts, ends)

    return Records(content.name, layout.lines[kept], names, column, tuple(faults), notes)


def _read_header(content: Content, layout: Layout, delimiter: str, quoted: bool) -> tuple[str, ...]:
    row = int(layout.lines[0])
    header = content.data[layout.starts[0] : layout.ends[0]]
    text = header.decode(errors="surrogateescape")
    fields = text.split(delimiter)
    if quoted:
        _, cut = next(cut_records(iter(text.split("\n")), delimiter, quoted=True))
        assert isinstance(cut, list)  # the layout of the content has no malformed quotes
        fields = cut
    names = parse_header(fields, file=content.name, row=row)
    if len(layout.starts) == 1:
        raise no_rows_error(names, file=content.name, row=row)
    return names


def _unquote(data: bytes, starts: Int64s, ends: Int64s) -> pl.Series:
    buffer = np.frombuffer(data, dtype=np.uint8)
    quoted = (ends > starts) & (buffer[np.minimum(starts, len(buffer) - 1)] == QUOTE)
    unquoted = slice_strings(data, starts + quoted, ends - quoted)
    return unquoted.str.replace_all('""', '"', literal=True)
