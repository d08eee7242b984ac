"""Places of values in JSON Lines."""

import json
import re
from collections.abc import Iterator, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]

from munjang.data.rewriting.original import Edit, Original
from munjang.names import normalize_name

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def find_value(line: str, key: str) -> tuple[int, int] | None:
    """Return where the value of a key of a JSON object begins and ends; None if it has no such key.

    Args:
        line: one valid JSON object.
        key: the key, in NFC.
    """
    place = _skip(line, line.index("{") + 1)
    while line[place] == '"':
        name, place = scanstring(line, place + 1)
        start = _skip(line, _skip(line, place) + 1)  # after the colon
        _, end = _DECODER.raw_decode(line, start)
        if normalize_name(name) == key:
            return start, end
        place = _skip(line, end)
        if line[place] == ",":
            place = _skip(line, place + 1)
    return None


def _skip(line: str, place: int) -> int:
    match = _SPACE.match(line, place)
    assert match is not None
    return match.end()


def edit_values(
    original: Original, key: str, values: Mapping[int, str], examples: Mapping[str, int]
) -> Iterator[Edit]:
    """Yield the edits that give a key of some lines another value.

    A value is written as another line of the file writes it: as a string, a number, or a boolean.

    Args:
        original: the file.
        key: the key, as the file writes it.
        values: new values, by the number of the line.
        examples: a line with this value, by value.
    """
    lines = original.lines.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    name = normalize_name(key)
    for row, value in values.items():
        example = lines[examples[value] - 1].decode()
        place = find_value(example, name)
        new = json.dumps(value, ensure_ascii=False) if place is None else example[slice(*place)]
        text = lines[row - 1].decode()
        found = find_value(text, name)
        assert found is not None, "the line has been read"
        start, end = (starts[row - 1] + len(text[:at].encode()) for at in found)
        yield start, end, new.encode()
