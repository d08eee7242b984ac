"""Work on many files: the command's own process, which hands out stripes and keeps the records."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from munjang.cluster.connect import connect_if
from munjang.data.readers.encodings import resolve_codec
from munjang.errors import ConfigError, MunjangError
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
from munjang.many_files.ledger import FilesDone, Ledger, Progress
from munjang.many_files.messages import Message
from munjang.many_files.on_cluster import ClusterRunner, count_slots
from munjang.many_files.plan import Plan, read_plan, refuse_other, round_up, write_plan
from munjang.many_files.pool import open_pool
from munjang.many_files.records import Totals, delete_records, read_done
from munjang.many_files.stripes import Stripe, deal
from munjang.many_files.works import WorkRow
from munjang.names import find_existing_path
from munjang.processes import check_process_count, count_cores
from munjang.reporting import Report


class Runner(Protocol):
    """Place where stripes are worked on: processes of this machine, or a cluster."""

    def run(self, stripes: Sequence[Stripe]) -> Iterator[tuple[Stripe, Message]]:
        """Work on stripes, and yield what is said about them."""


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
    count = count_cores() if workers is None else workers
    if cluster is None:
        check_process_count("workers", count)
    elif workers is not None:
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
        ledger = Ledger(plan, out, stripes, report, on_progress, started)
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
