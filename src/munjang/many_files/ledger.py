"""Bookkeeping of the work on files: progress, finished files, the summary."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from munjang.errors import FolderError, MunjangError
from munjang.many_files.layout import delete_partial_files, file_folder
from munjang.many_files.messages import DONE, NOTE, PART, ROWS, Message
from munjang.many_files.plan import Plan, write_plan
from munjang.many_files.records import Totals, finish_file, read_done
from munjang.many_files.stripes import Stripe
from munjang.reporting import Report, pluralize


@dataclass(frozen=True)
class Progress:
    """Progress of the work.

    Attributes:
        files: number of files that are done.
        all_files: number of all files.
        parts: number of parts that were written since the start.
        rows: number of rows that were written since the start.
        seconds: time since the model was loaded.
    """

    files: int
    all_files: int
    parts: int
    rows: int
    seconds: float


@dataclass(frozen=True)
class FilesDone:
    """Summary of files that are done.

    Attributes:
        out: folder of the results.
        files: number of files.
        parts: number of parts.
        rows: number of rows with a result.
        truncated: number of texts that were longer than the model reads.
        skipped: number of skipped rows by reason.
        new_rows: number of rows that this call worked on; the others were done before.
        seconds: time of this call.
        memory: most bytes that a process of this call held; 0 if none worked.
    """

    out: Path
    files: int
    parts: int
    rows: int
    truncated: int
    skipped: Mapping[str, int]
    new_rows: int
    seconds: float
    memory: int


class Ledger:
    """Records of the files while they are worked on.

    Args:
        plan: what is asked.
        out: folder of all results.
        stripes: the stripes that are worked on.
        report: called with lines for people.
        on_progress: called after rows and parts were written.
        started: time of the start, of `time.perf_counter`.
    """

    def __init__(
        self,
        plan: Plan,
        out: Path,
        stripes: Iterable[Stripe],
        report: Report,
        on_progress: Callable[[Progress], object],
        started: float,
    ) -> None:
        self._plan, self._out = plan, out
        self._report, self._on_progress = report, on_progress
        self._started = self._ready = started
        self._open = Counter(stripe.file for stripe in stripes)
        self._files_done = len(plan.inputs) - len(self._open)
        self._parts: Counter[int] = Counter()
        self._notes: set[str] = set()
        self._new_parts = self._new_rows = self._memory = 0

    @property
    def is_untouched(self) -> bool:
        """True if no part was written."""
        return self._new_parts == 0

    def follow(self, messages: Iterator[tuple[Stripe, Message]]) -> None:
        """Take all messages; say how to go on if an error ends them."""
        self._ready = time.perf_counter()
        try:
            for stripe, message in messages:
                self._take(stripe, message)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped; {self._how_to_go_on()}") from None
        except (MunjangError, OSError):
            if not self.is_untouched:
                self._report(self._how_to_go_on())
            raise

    def _how_to_go_on(self) -> str:
        return (
            f"{pluralize(self._new_parts, 'part')} done; the same command with --resume continues "
            f"in {self._out}"
        )

    def _take(self, stripe: Stripe, message: Message) -> None:
        if NOTE in message:
            if message[NOTE] not in self._notes:  # files of one form say the same
                self._notes.add(message[NOTE])
                self._report(message[NOTE])
        elif ROWS in message:
            self._new_rows += message[ROWS]
            self._on_progress(self._progress())
        elif PART in message:
            self._new_parts += 1
            self._memory = max(self._memory, message["memory"])
            self._on_progress(self._progress())
        elif DONE in message:
            self._settle(stripe.file, message[DONE])

    def _progress(self) -> Progress:
        files, seconds = len(self._plan.inputs), time.perf_counter() - self._ready
        return Progress(self._files_done, files, self._new_parts, self._new_rows, seconds)

    def _settle(self, place: int, parts: int) -> None:
        """Note that a stripe of a file is done, and finish the file after its last one."""
        self._parts[place] = max(parts, self._parts[place])
        self._open[place] -= 1
        if not self._open[place]:
            file = self._plan.inputs[place]
            folder = file_folder(self._out, file.name)
            finish_file(folder, self._parts[place], self._plan.suffix)
            delete_partial_files(folder)  # of nodes that died
            if not self._parts[place]:
                self._report(f"{file.shown}: is empty")
            self._files_done += 1
            self._on_progress(self._progress())

    def close(self) -> FilesDone:
        """Write the summary into the manifest, and return it."""
        totals = Totals()
        for file in self._plan.inputs:
            records = read_done(file_folder(self._out, file.name))
            if records is None:
                raise FolderError(f"{self._out}: the answers of {file.name} were deleted meanwhile")
            totals = totals.plus(records)
        seconds = time.perf_counter() - self._started
        write_plan(self._out, self._plan, {**asdict(totals), "seconds": round(seconds, 3)})
        return FilesDone(
            self._out,
            len(self._plan.inputs),
            **asdict(totals),
            new_rows=self._new_rows,
            seconds=seconds,
            memory=self._memory,
        )
