"""CSV whose quotes are not well-formed: read record by record to find the row that is wrong."""

from dataclasses import replace

import numpy as np
import polars as pl

from munjang.data.readers.corrupt import corruption, corruption_faults
from munjang.data.readers.faults import Fault, one_row
from munjang.data.readers.header import blank_lines, header_names, only_header, wrong_fields
from munjang.data.readers.quoted import quoted_records
from munjang.data.readers.records import Records
from munjang.data.readers.sources import Loaded
from munjang.errors import DataError
from munjang.text.columns import Int64s

MALFORMED = "malformed quotes"


def read_rowwise(loaded: Loaded, delimiter: str) -> Records:
    """Read CSV with the csv module, to which a quote inside an unquoted field is a character.

    Raises:
        DataError: there is no row after the header, or the header itself is damaged.
    """
    text = loaded.data.decode(errors="surrogateescape")
    records: list[list[str]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    blank = pending = 0
    for row, fields in quoted_records(
        iter(text.removesuffix("\n").split("\n")), delimiter, quoted=True
    ):
        if isinstance(fields, str):
            faults.append(one_row(MALFORMED, row, fields))
        elif not fields:
            pending += 1
        else:
            blank = pending  # those at the end of the file are not worth a word
            records.append(fields)
            lines.append(row)
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
    keep = np.ones(len(records), dtype=bool)
    if loaded.suspect:
        joined = ["".join(fields).encode(errors="surrogateescape") for fields in records]
        reasons = [corruption(record) for record in joined]
        faults += corruption_faults(reasons, lines)
        keep = np.array([reason is None for reason in reasons], dtype=bool)
    counts = np.array([len(fields) for fields in records], dtype=np.int64)
    wrong = np.flatnonzero(keep & (counts != len(names)))
    faults.append(wrong_fields(lines[wrong], counts[wrong], names, delimiter))
    keep[wrong] = False
    kept = [fields for fields, k in zip(records, keep, strict=True) if k]
    places = {name: i for i, name in reversed(list(enumerate(names)))}

    def column(name: str) -> pl.Series:
        return pl.Series([fields[places[name]] for fields in kept], dtype=pl.String)

    return Records(loaded.name, lines[keep], names, column, tuple(faults), loaded.notes)
