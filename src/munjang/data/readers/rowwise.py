"""CSV whose quotes are not well-formed: read record by record to find the row that is wrong."""

import csv
import sys
from dataclasses import replace

import numpy as np
import polars as pl

from munjang.data.readers.corrupt import corruption, corruption_faults
from munjang.data.readers.faults import Fault, one_row
from munjang.data.readers.header import blank_lines, header_names, only_header, wrong_fields
from munjang.data.readers.records import Records
from munjang.data.readers.sources import Loaded
from munjang.errors import DataError
from munjang.text.columns import Int64s

# A quote that is never closed would swallow the rest of the file: no text is longer than this.
LONGEST_RECORD = 1000


class _Feed:
    """Lines for `csv.reader`, which can be sent back to try again after a bad record."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.at = 0
        self.start = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self.at >= min(len(self.lines), self.start + LONGEST_RECORD):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1] + "\n"


def allow_long_fields() -> None:
    """Lift the limit of 131,072 characters a field that the csv module sets by default."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


def quoting_mistake(error: csv.Error) -> str:
    """The csv module's complaint about quotes, in words that say what to do."""
    if "unexpected end" in str(error):
        return "a double quote opens a field here and is never closed"
    if "expected after" in str(error):
        return (
            "text follows the closing double quote of a field; inside a quoted field a double "
            'quote is written twice ("")'
        )
    return f"not valid CSV ({error})"


def read_rowwise(loaded: Loaded, delimiter: str) -> Records:
    """Read CSV with the csv module, to which a quote inside an unquoted field is a character.

    Raises:
        DataError: there is no row after the header, or the header itself is damaged.
    """
    allow_long_fields()
    feed = _Feed(loaded.data.decode(errors="surrogateescape"))
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    while feed.at < len(feed.lines):
        feed.start = feed.at
        try:
            fields = next(reader)
        except csv.Error as error:
            faults.append(one_row("malformed quotes", feed.start + 1, quoting_mistake(error)))
            feed.at = feed.start + 1
            continue
        records.append(fields)
        lines.append(feed.start + 1)
    blank = sum(not fields for fields in records) - (feed.lines[-1] == "")
    lines = [line for line, fields in zip(lines, records, strict=True) if fields]
    records = [fields for fields in records if fields]
    if not lines or (faults and faults[0].rows[0] < lines[0]):
        raise DataError(faults[0].message(0), file=loaded.name, row=int(faults[0].rows[0]))
    loaded = replace(loaded, notes=loaded.notes + blank_lines(blank))
    return _kept(loaded, records, np.array(lines, dtype=np.int64), faults, delimiter)


def _kept(
    loaded: Loaded,
    records: list[list[str]],
    lines: Int64s,
    faults: list[Fault],
    delimiter: str,
) -> Records:
    names = header_names(records[0], file=loaded.name, row=int(lines[0]))
    if len(records) == 1 and not faults:
        raise only_header(names, file=loaded.name, row=int(lines[0]))
    records, lines = records[1:], lines[1:]
    counts = np.array([len(fields) for fields in records], dtype=np.int64)
    wrong = np.flatnonzero(counts != len(names))
    faults.append(wrong_fields(lines[wrong], counts[wrong], names, delimiter))
    keep = counts == len(names)
    if loaded.suspect:
        joined = ["".join(fields).encode(errors="surrogateescape") for fields in records]
        reasons = [corruption(j) if k else None for j, k in zip(joined, keep, strict=True)]
        faults += corruption_faults(reasons, lines)
        keep &= np.array([reason is None for reason in reasons], dtype=bool)
    kept = [fields for fields, k in zip(records, keep, strict=True) if k]
    places = {name: i for i, name in reversed(list(enumerate(names)))}

    def column(name: str) -> pl.Series:
        return pl.Series([fields[places[name]] for fields in kept], dtype=pl.String)

    return Records(loaded.name, lines[keep], names, column, tuple(faults), loaded.notes)
