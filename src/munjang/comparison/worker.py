"""One run in a process of its own: `python -m munjang.comparison.worker RUN-FOLDER PARTS-FOLDER`.

A crash costs this run alone. The process ends when its standard input does: a comparison that was
killed leaves no process behind that writes into its folder.
"""

import errno
import json
import os
import shutil
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from munjang.comparison.contests import contest_of
from munjang.comparison.fit import fit_job
from munjang.comparison.measure import folder_bytes, latency
from munjang.comparison.plan import MODEL, RUN, Job
from munjang.folder.manifest import write_atomically
from munjang.memory import peak_memory

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
    return record


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:300] if message else type(error).__name__


def _end_with_the_comparison() -> None:
    """End this process when standard input closes: nothing is ever sent."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_comparison, daemon=True).start()
    work(Path(sys.argv[1]), Path(sys.argv[2]))
