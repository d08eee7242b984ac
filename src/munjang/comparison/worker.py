"""One run in a process of its own: `python -m munjang.comparison.worker RUN-FOLDER PARTS-FOLDER`.

A crash costs this run alone. It holds the lock of its folder: on a cluster, the process of a dead
node may still write for a moment when the second attempt begins on another one.
"""

import errno
import json
import shutil
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from munjang.comparison.contests import contest_of
from munjang.comparison.fit import fit_job
from munjang.comparison.folder import LOG, MODEL, RUN
from munjang.comparison.measure import describe_machine, folder_bytes, latency
from munjang.comparison.plan import Job
from munjang.errors import FolderError
from munjang.folder.lock import FILE as LOCK
from munjang.folder.lock import ORPHAN_SECONDS, hold_lock
from munjang.folder.manifest import write_atomically
from munjang.folder.replacement import CHECKPOINT, is_finished
from munjang.json_files import read_object
from munjang.memory import peak_memory
from munjang.own_process import LOCKED, end_with_parent

# The system's errors when a disk, or a person's quota, is full.
FULL = (errno.ENOSPC, errno.EDQUOT)

JOB = "job.json"


def work(folder: Path, parts: Path) -> None:
    """Fit, answer and measure; `run.json` is written last, atomically, also if the run failed."""
    job = Job.from_json(json.loads((folder / JOB).read_text(encoding="utf-8")))
    try:
        record = {"status": "done", **_measured(job, folder, parts)}
    except Exception as error:
        # half a model is of no use, and on a full disk its place is needed
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        record = {"status": "failed", "reason": _reason(error)}
        if isinstance(error, OSError) and error.errno in FULL:
            record["full"] = [error.errno, error.filename]
        with suppress(OSError):
            traceback.print_exc()
    write_atomically(folder / RUN, json.dumps(record, ensure_ascii=False) + "\n")


def _measured(job: Job, folder: Path, parts: Path) -> dict[str, Any]:
    """Return the record of a run that finishes."""
    contest = contest_of(job.task)
    fitted = fit_job(job, parts, folder / MODEL)
    record = {**fitted.record, "memory_bytes": peak_memory()}
    record["judged"] = contest.write_answers(fitted.model, parts, folder)
    record["latency"] = asdict(latency(contest.answer(fitted.model), contest.inputs(parts)))
    record["folder_bytes"] = folder_bytes(folder / MODEL)
    record["machine"] = describe_machine()
    return record


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:300] if message else type(error).__name__


def main(folder: Path, parts: Path) -> int:
    """Work, unless an earlier attempt has come to its end meanwhile; return the exit code."""
    try:
        with hold_lock(folder, print, patience=ORPHAN_SECONDS):
            if not _is_done(folder):
                clear(folder)
                work(folder, parts)
    except FolderError as error:
        print(error)
        return LOCKED
    return 0


def _is_done(folder: Path) -> bool:
    path = folder / RUN
    return path.exists() and read_object(path, "record of a run", "").get("status") == "done"


def clear(folder: Path) -> None:
    """Remove what an earlier attempt left, but not a model that a training can continue from."""
    model = folder / MODEL
    kept = {JOB, LOG, LOCK}
    if (model / CHECKPOINT).exists() or is_finished(model):
        kept.add(MODEL)
    for path in folder.iterdir():
        if path.name in kept:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
