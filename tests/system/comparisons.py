"""A small comparison, as several tests ask for it and read it."""

import io
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from munjang.comparison import processes, worker
from tests.system.commands import TIMEOUT, CommandResult, invoke, start

SMALL = (
    *("--set", "model.dim=8"),
    *("--set", "model.ngrams=1"),
    *("--set", "training.threads=1"),
    *("--set", "training.learning_rate=0.02"),
)
ALL = ("--models", "mean,majority,nbsvm", "--seeds", 2)
HOSTILE = "<script>alert('재미있다')</script> & great"


def compare_command(table: Path, out: Path, *more: object) -> list[object]:
    """The words of a comparison that learns a little within seconds."""
    return ["compare", table, "--out", out, "--budget", "4k tokens", *SMALL, *more]


def compare_here(*arguments: object) -> CommandResult:
    """Run a comparison, and all its runs, in this process.

    For tests of what a comparison finds: a process for each run takes seconds to begin. Those of
    the processes, and of the memory that each holds, are in `test_compare.py`.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "run_to_its_end", _work_here)
        return invoke(*arguments)


def _work_here(command: Sequence[str], log: BinaryIO, **options: object) -> int:
    """Do what the process of a run does, and let this one use all its cores again."""
    folder, parts = command[-2:]
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    written = io.TextIOWrapper(log, "utf-8", write_through=True)
    try:
        with redirect_stdout(written), redirect_stderr(written):
            # by its lock: a process of a comparison that was killed may still be about to end
            return worker.main(Path(folder), Path(parts))
    finally:
        written.detach()
        for thread in Path("/proc/self/task").glob("*") if cores else ():
            os.sched_setaffinity(int(thread.name), cores)


def read_standings(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of the table by name, from compare.json."""
    rows = json.loads((out / "compare.json").read_text("utf-8"))["standings"]
    return {row["name"]: row for row in rows}


def wait_for(event: Callable[[], bool]) -> None:
    limit = time.monotonic() + TIMEOUT
    while not event():
        assert time.monotonic() < limit, "nothing happened"
        time.sleep(0.01)


def find_workers(out: Path) -> list[str]:
    """Processes whose command line names the folder of a comparison as a worker's does."""
    result = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:  # it has just ended
            continue
        if "munjang.comparison.worker" in words and any(w.startswith(str(out)) for w in words):
            result.append(path.parent.name)
    return result


def copy_without(compared: Path, out: Path, *runs: str) -> Path:
    """A copy of a comparison as if some of its runs had not begun yet."""
    shutil.copytree(compared, out)
    for name in runs:
        shutil.rmtree(out / "runs" / name)
    for name in ("compare.json", "compare.csv", "compare.html"):
        (out / name).unlink()
    return out


def stop_kill_and_resume(
    arguments: Sequence[object],
    out: Path,
    run: str,
    before: str,
) -> CommandResult:
    """Go on with a comparison that lacks its last run: to Ctrl-C, to a kill, and to its end.

    Args:
        words: the command.
        out: its folder.
        run: which run it lacks, such as `cnn/seed-0`.
        before: how many runs there are before it, such as `3 of 4`.
    """
    last = out / "runs" / run
    stopped = start(*arguments)
    # a run that is seen to begin takes seconds to import its libraries
    wait_for((last / "job.json").exists)
    stopped.send_signal(signal.SIGINT)
    _, errors = stopped.communicate(timeout=TIMEOUT)
    assert stopped.returncode == 130, errors.decode()
    assert f"stopped after {before} runs; ".encode() in errors
    assert b"--resume continues from" in errors
    assert not find_workers(out)
    assert not (last / "run.json").exists()

    (last / "job.json").unlink()
    killed = start(*arguments)
    wait_for((last / "job.json").exists)
    killed.kill()
    killed.communicate(timeout=TIMEOUT)
    wait_for(lambda: not find_workers(out))
    assert not (out / "compare.json").exists()
    assert not (last / "run.json").exists()

    result = compare_here(*arguments)
    assert result.code == 0, result.err
    return result
