"""Readers of plain text and JSON Lines, which have one record per line."""

import json
from typing import Any

import numpy as np

from munjang.data.readers.content import Content
from munjang.data.readers.corruption import blank_corrupt_rows
from munjang.data.readers.delimited import NEWLINE, RETURN, slice_strings
from munjang.data.readers.faults import Fault, shorten
from munjang.data.readers.header import note_blank_lines
from munjang.data.readers.records import MISSING, Records
from munjang.errors import DataError
from munjang.names import normalize_name
from munjang.text.blank import blank_rows
from munjang.text.columns import Int64s

# Keys may differ between lines; those of the first lines are the column names.
LINES_FOR_NAMES = 1000
BAD_JSON = "bad JSON"


def read_text(content: Content) -> Records:
    """Read plain text, one text per line, as a single column "text".

    Blank lines, which separate documents in running text, are left out.

    Raises:
        DataError: all lines are blank.
    """
    data, starts, ends, rows, faults = _find_lines(content)
    texts = slice_strings(data, starts, ends)
    blank = blank_rows(texts)
    if len(blank) == len(texts):
        raise DataError("no usable row: all lines are blank", file=content.name)
    if len(blank):
        kept = np.delete(np.arange(len(texts)), blank)
        texts, rows = texts.gather(kept), rows[kept]
    notes = content.notes + note_blank_lines(len(blank))
    return Records(content.name, rows, ("text",), lambda _: texts, tuple(faults), notes)


def read_jsonlines(content: Content) -> Records:
    """Read JSON Lines: one object per line, whose keys are the columns.

    Raises:
        DataError: no line is a JSON object.
    """
    data, _, _, rows, faults = _find_lines(content)
    lines = data.decode().split("\n")
    first = next((row for row in rows.tolist() if lines[row - 1].strip()), 1)
    reject_array(lines[first - 1], file=content.name, row=first)
    objects = [parse_object(lines[row - 1]) for row in rows.tolist()]
    good = np.array([isinstance(value, dict) for value in objects], dtype=bool)
    blank = np.array([value == "" for value in objects], dtype=bool)
    bad = np.flatnonzero(~good & ~blank)
    messages = [str(objects[i]) for i in bad]
    faults.append(Fault(BAD_JSON, rows[bad], messages.__getitem__))
    kept = [value for value in objects if isinstance(value, dict)]
    if not kept:
        row = next((int(fault.rows[0]) for fault in faults if len(fault.rows)), None)
        reason = f": {messages[0]}" if messages else ""
        raise DataError(f"no line is a JSON object{reason}", file=content.name, row=row)
    names = tuple(dict.fromkeys(key for value in kept[:LINES_FOR_NAMES] for key in value))

    def column(name: str) -> list[Any]:
        return [value.get(name, MISSING) for value in kept]

    notes = content.notes + note_blank_lines(int(blank.sum()))
    return Records(content.name, rows[good], names, column, tuple(faults), notes)


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object with its keys in NFC.

    Raises:
        ValueError: a key occurs twice.
    """
    values = {normalize_name(key): value for key, value in pairs}
    if len(values) < len(pairs):
        names = [normalize_name(key) for key, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {repeated!r} occurs twice")
    return values


_decoder = json.JSONDecoder(object_pairs_hook=_make_object)


def parse_object(line: str) -> dict[str, Any] | str:
    """Return the JSON object of one line, or what is wrong with it; "" if it is blank."""
    try:
        value = _decoder.decode(line)
    except RecursionError:
        return "not valid JSON: nested too deeply"
    except json.JSONDecodeError as error:
        if not line.strip():
            return ""
        return (
            f"not valid JSON ({error.msg} at character {error.pos + 1}); expected one object per "
            "line"
        )
    except ValueError as error:
        return f"not valid JSON ({error})"
    if isinstance(value, dict):
        return value
    return f'expected a JSON object such as {{"text": ..., "label": ...}}, got {shorten(value)}'


def reject_array(line: str, *, file: str, row: int) -> None:
    """Refuse a file that is one JSON array instead of JSON Lines.

    Raises:
        DataError: the line opens an array.
    """
    if line.lstrip().startswith("["):
        raise DataError(
            "expected JSON Lines (one object per line), got a JSON array; "
            "convert it with: jq -c '.[]' IN.json > OUT.jsonl",
            file=file,
            row=row,
        )


def find_line_spans(data: bytes) -> tuple[Int64s, Int64s]:
    r"""Return the byte ranges of all lines, without their "\n" or "\r\n".

    Args:
        data: UTF-8, not empty; a line end at its end starts no further line.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    breaks = np.flatnonzero(buffer == NEWLINE)
    if buffer[-1] != NEWLINE:
        breaks = np.append(breaks, len(buffer))
    starts, ends = np.concatenate([[0], breaks[:-1] + 1]), breaks
    return starts, ends - ((ends > starts) & (buffer[np.maximum(ends - 1, 0)] == RETURN))


def _find_lines(content: Content) -> tuple[bytes, Int64s, Int64s, Int64s, list[Fault]]:
    """Return the lines up to the last nonblank one, and the faults of damaged ones."""
    data = content.data
    starts, ends = find_line_spans(data)
    last = int(np.flatnonzero(ends > starts)[-1]) + 1
    starts, ends = starts[:last], ends[:last]
    rows = np.arange(1, last + 1, dtype=np.int64)
    if not content.suspect:
        return data, starts, ends, rows, []
    data, faults, damaged = blank_corrupt_rows(data, starts, ends, rows)
    keep = np.delete(np.arange(last), damaged)
    if not len(keep):
        raise DataError("every line holds NUL or invalid bytes", file=content.name)
    return data, starts[keep], ends[keep], rows[keep], faults
