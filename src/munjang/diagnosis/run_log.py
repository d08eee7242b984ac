"""The log of a training as curves, read again and again while it grows."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from munjang.errors import FolderError
from munjang.folder.checked_file import open_regular

# A log of a year has fewer bytes.
_MOST_BYTES = 512_000_000
_BLOCK_BYTES = 1_000_000
# Of more records every n-th is kept: from this number of points to twice as many.
_MOST_POINTS = 300
# A log of a training has about ten.
_MOST_CURVES = 64
_NAME = re.compile(r"[A-Za-z_][\w.@/-]{0,63}", re.ASCII)
# Larger whole numbers are not exact as floats, which readers of JSON take them for.
_LAST_STEP = 2**53
# The difference of two values is to be finite as well.
_LARGEST = 1e300
_RATE = "_per_second"

Point = tuple[int, float]


class Points:
    """Some hundred points of a curve, evenly chosen from all that were added.

    Attributes:
        last: the newest point.
        lowest: the first point of the least value.
        highest: the first point of the largest value.
    """

    def __init__(self, step: int, value: float) -> None:
        self.last = self.lowest = self.highest = (step, value)
        self._kept: list[Point] = [self.last]
        self._count = 1
        self._every = 1

    def add(self, step: int, value: float) -> None:
        """Add a point."""
        self.last = (step, value)
        if value < self.lowest[1]:
            self.lowest = self.last
        if value > self.highest[1]:
            self.highest = self.last
        if self._count % self._every == 0:
            self._kept.append(self.last)
        self._count += 1
        if len(self._kept) == 2 * _MOST_POINTS:
            self._kept = self._kept[::2]
            self._every *= 2

    def thinned(self) -> list[Point]:
        """Return the kept points, and the last one."""
        return self._kept if self._kept[-1] == self.last else [*self._kept, self.last]


class RunLog:
    """Reader of `metrics.jsonl`.

    Args:
        path: the log.

    Attributes:
        step: the last step.
        curves: points by part (train or valid) and name of the value.
        rate: units, such as tokens, per second at last, by their name; None before any.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None
        self._begin(None)

    def _begin(self, file: tuple[int, int] | None) -> None:
        self._file = file
        self._end = 0
        self.step = 0
        self.curves: dict[tuple[str, str], Points] = {}
        self.rate: tuple[str, float] | None = None

    def read(self) -> None:
        """Read what was added since the last call; everything if the file was replaced.

        A last line without its end is read when it has one: a run may be writing it.

        Raises:
            FolderError: the file is too large, or is not a regular file.
            OSError: it cannot be read.
        """
        with open_regular(self.path) as file:
            status = os.fstat(file.fileno())
            identity = (status.st_dev, status.st_ino)
            if identity != self._file or status.st_size < self._end:
                self._begin(identity)
            if status.st_size > _MOST_BYTES:
                raise FolderError(f"{self.path}: {status.st_size:,} bytes are too many for a log")
            file.seek(self._end)
            while block := file.read(_BLOCK_BYTES):
                end = block.rfind(b"\n") + 1
                if not end and len(block) < _BLOCK_BYTES:
                    break
                # a line without an end in a whole block is longer than any record: it is skipped
                end = end or len(block)
                self._end += end
                file.seek(self._end)
                self._add_records(_parse(block[:end]))

    def _add_records(self, records: Iterable[Any]) -> None:
        for record in records:
            step = record.get("step") if type(record) is dict else None
            if type(step) is int and 0 <= step <= _LAST_STEP:
                self.step = max(self.step, step)
                self._add(step, record)

    def _add(self, step: int, record: Mapping[str, Any]) -> None:
        part = record.get("part")
        if part not in ("train", "valid"):
            return
        for name, value in record.items():
            if name == "step" or not _is_number(value):
                continue
            points = self.curves.get((part, name))
            if points is not None:
                points.add(step, float(value))
            elif not _NAME.fullmatch(name):
                continue
            elif name.endswith(_RATE):
                self.rate = (name.removesuffix(_RATE), float(value))
            elif len(self.curves) < _MOST_CURVES:
                self.curves[part, name] = Points(step, float(value))


def _parse(block: bytes) -> Iterable[Any]:
    """Return the records of some lines; a run that was killed may leave half a line.

    Lines are short, and only numbers and plain names of them are used.
    """
    lines = [line for line in block.split(b"\n") if line]
    with suppress(ValueError, RecursionError):
        # one document of all lines takes half the time
        records: list[Any] = json.loads(b"[" + b",".join(lines) + b"]")
        return records
    return _parse_lines(lines)


def _parse_lines(lines: list[bytes]) -> Iterator[Any]:
    for line in lines:
        with suppress(ValueError, RecursionError):
            yield json.loads(line)


def _is_number(value: Any) -> bool:
    """Return whether a value is a number that can be drawn."""
    return type(value) in (int, float) and -_LARGEST <= value <= _LARGEST
