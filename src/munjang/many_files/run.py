"""Work on many files: the command's own process, which hands out stripes and keeps the records."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from munjang.cluster.connect import connect_if
from munjang.config import shown
from munjang.data.readers.encodings import resolve_codec
from munjang.errors import ConfigError, FolderError, MunjangError
from munjang.folder.fingerprint import fingerprint_folder
from munjang.folder.layout import make_folder
from munjang.folder.lock import hold_lock
from munjang.many_files.inputs import find_inputs
from munjang.many_files.layout import (
    MANIFEST,
    delete_answers,
    delete_partial_files,
    file_folder,
    refuse_occupied,
)
from munjang.many_files.messages import DONE, NOTE, PART, ROWS, Message
from munjang.many_files.on_cluster import ClusterRunner, count_slots
from munjang.many_files.plan import Plan, read_plan, refuse_other, round_up, write_plan
from munjang.many_files.pool import open_pool
from munjang.many_files.records import Totals, delete_records, finish_file, read_done
from munjang.many_files.stripes import Stripe, deal
from munjang.many_files.works import WorkRow
from munjang.names import find_existing_path
from munjang.reporting import Report, pluralize

_MOST_WORKERS = 1024


class Runner(Protocol):
    """Where stripes are worked on: processes of this machine, or a cluster."""

    def run(self, stripes: Sequence[Stripe]) -> Iterator[tuple[Stripe, Message]]:
        """Work on stripes, and yield what is said about them."""


@dataclass(frozen=True)
class Progress:
    """How far the work is.

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


def run_files(
    row: WorkRow,
    folder: str | Path,
    sources: str | Path | Iterable[str | Path],
    out: str | Path,
    options: Mapping[str, Any],
    *,
    rows_per_part: int,
    workers: int | None,
    cluster: str | None,
    resume: bool,
    overwrite: bool,
    report: Report,
    on_progress: Callable[[Progress], object],
) -> FilesDone:
    """Work on files and write parts.

    Args:
        row: the kind of work.
        folder: model folder.
        sources: files, patterns and folders.
        out: folder to write to.
        options: options of the work, as JSON values.
        rows_per_part: number of rows per part, rounded up to whole blocks.
        workers: number of processes; the number of cores if None.
        cluster: address of a Ray cluster to work on; None works on this machine.
        resume: continue what is in `out`.
        overwrite: replace what is in `out`.
        report: called with lines for people.
        on_progress: called after rows and parts were written.

    Raises:
        MunjangError: the model, a file, a row, an option or the folder cannot be used; or a worker
            was ended by the system.
        OSError: a part cannot be written.
    """
    started, out = time.perf_counter(), Path(out)
    row.check_format(options["format"])
    count = count_workers(workers)
    if cluster is not None and workers is not None:
        raise ConfigError("workers: a cluster has as many as its cores; leave them out")
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    model = find_existing_path(folder)
    named = [sources] if isinstance(sources, str | Path) else sources
    plan = Plan(
        row.name,
        fingerprint_folder(model),
        str(model.absolute()),
        _to_plain({**options, "encoding": resolve_codec(options["encoding"])}),
        round_up(rows_per_part, row.block_rows),
        find_inputs(named, out),
    )
    plan.check()
    done = _find_done(out, plan) if resume else None
    if done is not None:
        report(f"{out}: everything was done before")
        return done
    with connect_if(cluster), _locked(out, report):
        refuse_occupied(out, resume=resume, overwrite=overwrite)
        left = _unfinished(out, plan) if resume else range(len(plan.inputs))
        stripes = deal(plan, left, count if cluster is None else count_slots())
        ledger = _Ledger(plan, out, stripes, report, on_progress, started)
        try:
            with _open_runner(plan, out, count, stripes, cluster, report) as runner:
                _prepare(out, plan, resume=resume)
                ledger.follow(runner.run(stripes))
        except (MunjangError, OSError):
            if ledger.is_untouched and not resume:
                _undo(out, plan)
            raise
        return ledger.close()


def _to_plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the manifest keeps them.

    Raises:
        ConfigError: an option is no JSON value.
    """
    try:
        plain: dict[str, Any] = json.loads(json.dumps(options, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"options: expected plain values: {error}") from None
    return plain


@contextmanager
def _locked(out: Path, report: Report) -> Iterator[None]:
    """Make the folder and hold its lock; a new folder that stays empty is removed."""
    is_new = not out.exists()
    try:
        with hold_lock(make_folder(out), report):
            yield
    finally:
        if is_new:
            with suppress(OSError):
                out.rmdir()


def count_workers(workers: int | None) -> int:
    """Return the number of processes.

    Raises:
        ConfigError: it is out of range.
    """
    if workers is None:
        has_affinity = hasattr(os, "sched_getaffinity")
        return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    if not 1 <= workers <= _MOST_WORKERS:
        raise ConfigError(f"workers: expected 1 to {_MOST_WORKERS:,}, got {shown(workers)}")
    return workers


def _open_runner(
    plan: Plan,
    out: Path,
    workers: int,
    stripes: Sequence[Stripe],
    cluster: str | None,
    report: Report,
) -> AbstractContextManager[Runner]:
    """Return what works on the stripes: the connected cluster, or processes of this machine."""
    if cluster is None:
        return open_pool(plan, out, min(workers, max(1, len(stripes))))
    return nullcontext(ClusterRunner(plan, out, report))


def _find_done(out: Path, plan: Plan) -> FilesDone | None:
    """Return the summary of a folder in which everything is done; None if something is left.

    Raises:
        FolderError: the answers there are not those of the plan.
    """
    if not (out / MANIFEST).exists():
        return None
    before, done = read_plan(out)
    refuse_other(out, before, plan)
    if done is None or before.inputs != plan.inputs:
        return None
    try:
        totals = Totals(**{key: done[key] for key in ("parts", "rows", "truncated", "skipped")})
    except KeyError:
        return None
    files = len(plan.inputs)
    return FilesDone(out, files, **asdict(totals), new_rows=0, seconds=0.0, memory=0)


def _unfinished(out: Path, plan: Plan) -> list[int]:
    """Return the indices of the files that are not done."""
    folders = [file_folder(out, file.name) for file in plan.inputs]
    return [place for place, folder in enumerate(folders) if read_done(folder) is None]


def _prepare(out: Path, plan: Plan, *, resume: bool) -> None:
    """Make the folder ready: without what killed processes left, or empty."""
    if (out / MANIFEST).exists():
        before, _ = read_plan(out)
        if resume:
            refuse_other(out, before, plan)
            for file in plan.inputs:
                folder = file_folder(out, file.name)
                delete_partial_files(folder)
                if read_done(folder) is not None:
                    delete_records(folder)
        else:
            delete_answers(out, (file.name for file in before.inputs))
    write_plan(out, plan)


def _undo(out: Path, plan: Plan) -> None:
    """Remove a plan of which nothing is done, so that the next command may differ."""
    if (out / MANIFEST).exists() and read_plan(out)[0] == plan:
        delete_answers(out, (file.name for file in plan.inputs))


class _Ledger:
    """What is known of the files while they are worked on."""

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
        files = len(self._plan.inputs)
        done = files - sum(count > 0 for count in self._open.values())
        seconds = time.perf_counter() - self._ready
        return Progress(done, files, self._new_parts, self._new_rows, seconds)

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
