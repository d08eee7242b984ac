"""Formats with one record a line: plain text and JSON Lines."""

import json
from typing import Any

import numpy as np

from munjang.data.readers.corrupt import blank_corrupt
from munjang.data.readers.delimited import NEWLINE, RETURN, slices
from munjang.data.readers.faults import Fault, shorten
from munjang.data.readers.header import blank_lines
from munjang.data.readers.records import MISSING, Records
from munjang.data.readers.sources import Loaded
from munjang.errors import DataError
from munjang.names import composed
from munjang.text.columns import Int64s

# Keys may differ from line to line; those of the first lines name the columns.
LINES_FOR_NAMES = 1000
BAD_JSON = "bad JSON"


def read_text(loaded: Loaded) -> Records:
    """Read plain text, one text a line. Its only column is named "text"."""
    data, starts, ends, rows, faults = _lines(loaded)
    return Records(
        loaded.name,
        rows,
        ("text",),
        lambda _: slices(data, starts, ends),
        tuple(faults),
        loaded.notes,
    )


def read_jsonlines(loaded: Loaded) -> Records:
    """Read JSON Lines: one object a line, whose keys are the columns."""
    data, _, _, rows, faults = _lines(loaded)
    lines = data.decode().split("\n")
    first = next((row for row in rows.tolist() if lines[row - 1].strip()), 1)
    reject_array(lines[first - 1], file=loaded.name, row=first)
    objects = [parse_object(lines[row - 1]) for row in rows.tolist()]
    good = np.array([isinstance(value, dict) for value in objects], dtype=bool)
    blank = np.array([value == "" for value in objects], dtype=bool)
    bad = np.flatnonzero(~good & ~blank)
    complaints = [str(objects[i]) for i in bad]
    faults.append(Fault(BAD_JSON, rows[bad], complaints.__getitem__))
    kept = [value for value in objects if isinstance(value, dict)]
    if not kept:
        row = next((int(fault.rows[0]) for fault in faults if len(fault.rows)), None)
        said = f": {complaints[0]}" if complaints else ""
        raise DataError(f"no line is a JSON object{said}", file=loaded.name, row=row)
    names = tuple(dict.fromkeys(key for value in kept[:LINES_FOR_NAMES] for key in value))

    def column(name: str) -> list[Any]:
        return [value.get(name, MISSING) for value in kept]

    notes = loaded.notes + blank_lines(int(blank.sum()))
    return Records(loaded.name, rows[good], names, column, tuple(faults), notes)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object by the keys of its columns' names."""
    made = {composed(key): value for key, value in pairs}
    if len(made) < len(pairs):
        names = [composed(key) for key, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return made


_decoder = json.JSONDecoder(object_pairs_hook=_object)


def parse_object(line: str) -> dict[str, Any] | str:
    """The JSON object of one line, or what is wrong with it: "" if it is blank."""
    try:
        value = _decoder.decode(line)
    except RecursionError:
        return "not valid JSON: nested too deeply"
    except json.JSONDecodeError as error:
        if not line.strip():
            return ""
        return (
            f"not valid JSON ({error.msg} at character {error.pos + 1}); expected one object a line"
        )
    except ValueError as error:
        return f"not valid JSON ({error})"
    if isinstance(value, dict):
        return value
    return f'expected a JSON object such as {{"text": ..., "label": ...}}, got {shorten(value)}'


def reject_array(line: str, *, file: str, row: int) -> None:
    """Name the cure where a file is one JSON array, not JSON Lines.

    Raises:
        DataError: the line opens an array.
    """
    if line.lstrip().startswith("["):
        raise DataError(
            "expected JSON Lines (one object a line), got a JSON array; "
            "jq -c '.[]' IN.json > OUT.jsonl turns one into the other",
            file=file,
            row=row,
        )


def line_spans(data: bytes) -> tuple[Int64s, Int64s]:
    r"""Byte ranges of all lines, without their "\n" or "\r\n"; one at the end ends a line.

    Args:
        data: UTF-8, not empty.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    breaks = np.flatnonzero(buffer == NEWLINE)
    if buffer[-1] != NEWLINE:
        breaks = np.append(breaks, len(buffer))
    starts, ends = np.concatenate([[0], breaks[:-1] + 1]), breaks
    return starts, ends - ((ends > starts) & (buffer[np.maximum(ends - 1, 0)] == RETURN))


def _lines(loaded: Loaded) -> tuple[bytes, Int64s, Int64s, Int64s, list[Fault]]:
    """The lines up to the last that is not blank, and the faults of the damaged among them."""
    data = loaded.data
    starts, ends = line_spans(data)
    last = int(np.flatnonzero(ends > starts)[-1]) + 1
    starts, ends = starts[:last], ends[:last]
    rows = np.arange(1, last + 1, dtype=np.int64)
    if not loaded.suspect:
        return data, starts, ends, rows, []
    data, faults, damaged = blank_corrupt(data, starts, ends, rows)
    keep = np.delete(np.arange(last), damaged)
    if not len(keep):
        raise DataError("every line holds NUL or invalid bytes", file=loaded.name)
    return data, starts[keep], ends[keep], rows[keep], faults
