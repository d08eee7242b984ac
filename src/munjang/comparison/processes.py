"""Run a job in a process of its own, and explain why it ended if it left no record."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from munjang.comparison.plan import DATA, LOG, MODEL, RUN, Job
from munjang.comparison.records import read_run
from munjang.comparison.worker import JOB
from munjang.folder.manifest import write_atomically


def read_record(job: Job, out: Path) -> dict[str, Any] | None:
    """Return the record of a run, done or failed; None if there is none yet.

    Raises:
        FolderError: The file is not such a record.
    """
    path = job.folder(out) / RUN
    return read_run(path) if path.exists() else None


def run_alone(job: Job, out: Path) -> dict[str, Any]:
    """Run a job in a process of its own; what an unfinished run left there is removed.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the process is ended.
        OSError: The disk is full, which is not the fault of the model; the next run would fail,
            too. The file is named.
    """
    folder = job.folder(out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_atomically(folder / JOB, json.dumps(job.to_json(), ensure_ascii=False) + "\n")
    command = [sys.executable, "-m", "munjang.comparison.worker", str(folder), str(out / DATA)]
    with (folder / LOG).open("wb") as log:
        code = _run_to_its_end(command, log)
    record = read_record(job, out)
    if record is None:
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        record = {"status": "failed", "reason": why_it_ended(code)}
        write_atomically(folder / RUN, json.dumps(record) + "\n")
    if "full" in record:
        number, file = record["full"]
        raise OSError(number, os.strerror(number), file)
    return record


def _run_to_its_end(command: Sequence[str], log: BinaryIO) -> int:
    """Return the exit code of a process; an exception while waiting kills it."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with _unbroken():
            # a session of its own: Ctrl-C reaches the comparison alone, which then ends the run
            process = subprocess.Popen(  # noqa: S603  (our own module, without a shell)
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process.wait()
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        raise
    finally:
        if process is not None and process.stdin is not None:
            process.stdin.close()


@contextmanager
def _unbroken() -> Iterator[None]:
    """Delay Ctrl-C until the process that is being started is known, so that it can be ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupted.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted.is_set():
        raise KeyboardInterrupt


def why_it_ended(code: int) -> str:
    """Explain the exit code of a process that wrote no record."""
    if code >= 0:
        return f"the process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = "; the system does so when memory runs out" if name == "SIGKILL" else ""
    return f"the process was ended by {name}{hint}"
