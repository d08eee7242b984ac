"""Stripes: every k-th part of a file, written by one process that reads the file from its start.

Which rows are a part follows from their numbers alone, so that parts are the same whoever writes
them. A process that has several stripes to do does them one after another.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from munjang.data.readers.faults import BadRow
from munjang.data.readers.source import open_source
from munjang.folder.manifest import write_whole
from munjang.json_text import json_text
from munjang.many_files.inputs import InputFile
from munjang.many_files.layout import BAD_PART, RECORD, file_folder, part_name, part_number
from munjang.many_files.plan import Plan
from munjang.many_files.records import PartRecord, read_record, write_record
from munjang.many_files.works import Work, Written
from munjang.memory import HeapTrimmer
from munjang.reporting import Report

# Bytes of a short row, perhaps compressed.
_ROW_BYTES = 8
# Characters of a bad row that are kept.
_MOST_RAW = 10_000

# Called with the number of a part and its record once it is written.
OnPart = Callable[[int, PartRecord], object]


@dataclass(frozen=True)
class Stripe:
    """Parts `first`, `first + step`, `first + 2 * step` and so on of a file.

    Attributes:
        file: index of the file in the plan.
        first: number of the first part.
        step: distance of the parts.
    """

    file: int
    first: int = 0
    step: int = 1

    def has(self, part: int) -> bool:
        """Return whether a part is of this stripe."""
        return part % self.step == self.first


def deal(plan: Plan, left: Iterable[int], workers: int) -> list[Stripe]:
    """Return the stripes of files, the largest files first.

    A file is cut into as many stripes as its share of all bytes takes workers, times two: all of
    them have work to the end, and small files, which are most, are read once. There are no more
    stripes than a file of short rows has parts.

    Args:
        plan: what is asked.
        left: indices of the files to work on.
        workers: number of processes.
    """
    places = sorted(left, key=lambda place: -plan.inputs[place].bytes)
    total = max(1, sum(plan.inputs[place].bytes for place in places))
    stripes = []
    for place in places:
        size = plan.inputs[place].bytes
        share = -(-2 * workers * size // total)
        parts = -(-size // (plan.rows_per_part * _ROW_BYTES))
        step = max(1, min(share, parts, workers))
        stripes += [Stripe(place, first, step) for first in range(step)]
    return stripes


def write_stripe(
    work: Work,
    plan: Plan,
    out: Path,
    stripe: Stripe,
    on_part: OnPart,
    begin: Callable[[int], object],
    on_rows: Callable[[int], object],
    report: Report,
) -> int:
    """Write the parts of a stripe that are not done yet, and return the number of the file's parts.

    Args:
        work: the kind of work.
        plan: what is asked.
        out: folder of all answers.
        stripe: the parts to write.
        on_part: called with each part that was written.
        begin: called with the number of a part that is begun.
        on_rows: called with a number of rows that were written.
        report: called with lines for people.

    Raises:
        DataError: the file or a row cannot be used, or the file was changed meanwhile.
        OSError: a part cannot be written.
    """
    file = plan.inputs[stripe.file]
    folder = file_folder(out, file.name)
    folder.mkdir(parents=True, exist_ok=True)
    file.require_unchanged()
    if _is_empty(file.shown):
        return 0
    trimmer = HeapTrimmer()
    with _Parts(work, plan, stripe, folder, on_part, begin) as parts:
        batches = work.read(
            file.shown,
            on_bad_row=parts.add_bad if plan.skips else None,
            report=report,
            is_wanted=parts.is_wanted,
            on_end=parts.end,
        )
        for rows, values in batches:
            parts.add(rows.tolist(), values)
            on_rows(len(rows))
            trimmer.trim_if_grown()
        return parts.count


def _is_empty(path: str) -> bool:
    """Return whether a file, unpacked if it is compressed, has no byte."""
    with open_source(path) as stream:
        return not stream.peek()


class _Parts:
    """The parts of a stripe, one of which is open at a time."""

    def __init__(
        self,
        work: Work,
        plan: Plan,
        stripe: Stripe,
        folder: Path,
        on_part: OnPart,
        begin: Callable[[int], object],
    ) -> None:
        self._work, self._plan, self._stripe, self._folder = work, plan, stripe, folder
        self._on_part, self._begin = on_part, begin
        self._open: _Part | None = None
        self._next = stripe.first  # the first part of the stripe that is not settled
        self._done = self._find_done()
        self.count = 0

    def _find_done(self) -> set[int]:
        """Return the numbers of the parts that are done."""
        numbers = (part_number(path) for path in self._folder.glob(f"part-*{RECORD}"))
        known = [number for number in numbers if number is not None]
        return {n for n in known if read_record(self._folder, n, self._plan.suffix) is not None}

    def is_wanted(self, row: int) -> bool:
        """Return whether a row is of a part of the stripe that is not done."""
        number = (row - 1) // self._plan.rows_per_part
        return self._stripe.has(number) and number not in self._done

    def add(self, rows: Sequence[int], values: Sequence[Any]) -> None:
        """Work on rows of one block."""
        self._move_to(rows[0]).write(rows, values)

    def add_bad(self, row: int, bad: BadRow) -> None:
        """Note a row that is skipped."""
        self._move_to(row).skip(row, bad)

    def end(self, rows: int) -> None:
        """Finish the last parts of a file of so many rows, which has one part or more."""
        self.count = max(1, -(-rows // self._plan.rows_per_part))
        self._settle(self.count)

    def _move_to(self, row: int) -> "_Part":
        """Return the open part of a row."""
        number = (row - 1) // self._plan.rows_per_part
        self._settle(number)
        return self._open or self._open_part(number)

    def _settle(self, end: int) -> None:
        """Finish the open part, and all others of the stripe before part `end`."""
        while self._next < end:
            if self._next not in self._done:
                part = self._open or self._open_part(self._next)
                self._on_part(self._next, part.finish())
                self._open = None
            self._next += self._stripe.step

    def _open_part(self, number: int) -> "_Part":
        self._begin(number)
        file = self._plan.inputs[self._stripe.file]
        path = self._folder / part_name(number, self._plan.suffix)
        self._open = _Part(self._work, file, path, number, skips=self._plan.skips)
        return self._open

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._open is not None:
            self._open.discard(error)


class _Part:
    """A part that is being written."""

    def __init__(
        self, work: Work, file: InputFile, path: Path, number: int, *, skips: bool
    ) -> None:
        self._file, self._path, self._number = file, path, number
        # another process may still write the same part, such as a node that was given up
        self._writer = uuid.uuid4().hex[:8]
        self._written, self._skipped = Written(), Counter[str]()
        self._bad_rows: BinaryIO | None = None
        self._opened = ExitStack()
        partial = self._opened.enter_context(write_whole(self._path, writer=self._writer))
        opening = work.open(partial, file.shown, self.skip if skips else None, self._written)
        self.write = self._opened.enter_context(opening)

    def skip(self, row: int, bad: BadRow) -> None:
        """Note a row that is skipped."""
        if self._bad_rows is None:
            path = self._path.with_name(part_name(self._number, BAD_PART))
            partial = self._opened.enter_context(write_whole(path, writer=self._writer))
            self._bad_rows = self._opened.enter_context(partial.open("wb"))
        self._skipped[bad.reason] += 1
        raw = bad.raw if bad.raw is None else bad.raw[:_MOST_RAW]
        values = {"row": row, "reason": bad.reason, "message": bad.message, "raw": raw}
        # a byte that is no text becomes \udc.., which is JSON and Python's surrogateescape
        self._bad_rows.write(json_text(values).encode(errors="backslashreplace") + b"\n")

    def finish(self) -> PartRecord:
        """Put the part into its place, and write its record."""
        self._file.require_unchanged()
        self._opened.close()
        record = PartRecord(
            self._written.rows,
            self._path.stat().st_size,
            self._written.truncated,
            dict(self._skipped),
        )
        write_record(self._path.parent, self._number, record, self._writer)
        return record

    def discard(self, error: BaseException | None) -> None:
        """Remove what was written."""
        stopped = error or RuntimeError("the part was not finished")
        self._opened.__exit__(type(stopped), stopped, stopped.__traceback__)
