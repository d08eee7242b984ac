"""Run a job in a process of its own, and keep what an earlier attempt of the same job left."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from munjang.comparison.folder import DATA, LOG, MODEL, RUN
from munjang.comparison.plan import Job
from munjang.comparison.records import read_run
from munjang.comparison.worker import JOB
from munjang.errors import FolderError
from munjang.folder.manifest import write_atomically
from munjang.own_process import LOCKED, run_to_its_end, why_it_ended


def read_record(job: Job, out: Path) -> dict[str, Any] | None:
    """Return the record of a run, done or failed; None if there is none yet.

    Raises:
        FolderError: The file is not such a record.
    """
    path = job.folder(out) / RUN
    return read_run(path) if path.exists() else None


def run_alone(
    job: Job, out: Path, *, threads: int | None = None, cwd: str | None = None
) -> dict[str, Any]:
    """Run a job in a process of its own; a training continues from its checkpoint, if there is one.

    Args:
        job: The run.
        out: Folder of the comparison.
        threads: Threads of the process; None for as many as its libraries choose.
        cwd: Its working directory; None for that of this process.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the process is ended.
        OSError: The disk is full, which is not the fault of the model; the next run would fail,
            too. The file is named.
        FolderError: The process of an earlier attempt still writes there.
    """
    folder = job.folder(out)
    _lay_out(job, folder)
    command = [sys.executable, "-m", "munjang.comparison.worker", str(folder), str(out / DATA)]
    with (folder / LOG).open("ab") as log:
        code = run_to_its_end(command, log, threads=threads, cwd=cwd)
    if code == LOCKED:
        raise FolderError(
            f"{folder}: another process still writes there; wait until it ends, and --resume"
        )
    record = read_record(job, out)
    if record is None:
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        record = {"status": "failed", "reason": why_it_ended(code)}
        write_atomically(folder / RUN, json.dumps(record) + "\n")
    if "full" in record:
        number, file = record["full"]
        raise OSError(number, os.strerror(number), file)
    return record


def _lay_out(job: Job, folder: Path) -> None:
    """Write the job into its folder; what another job left there is removed."""
    text = json.dumps(job.to_json(), ensure_ascii=False) + "\n"
    path = folder / JOB
    if not (path.is_file() and path.read_text(encoding="utf-8") == text):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_atomically(path, text)
    (folder / RUN).unlink(missing_ok=True)  # of a run that failed
