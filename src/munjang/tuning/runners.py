"""Places where the trials of a search run: in this process, or each in a process of its own."""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from munjang.cluster.tasks import Task, cancel_tasks
from munjang.errors import ConfigError, FolderError
from munjang.folder.manifest import write_atomically
from munjang.json_files import read_object
from munjang.own_process import LOCKED, OwnProcess, run_to_its_end, unbroken, why_it_ended
from munjang.preparation import Prepared
from munjang.tuning.attempt import attempt
from munjang.tuning.folder import JOB, LOG, MODEL, RESULT, trial_folder
from munjang.tuning.pruning import Reports, Trial
from munjang.tuning.results import TrialRow


@dataclass(frozen=True)
class Outcome:
    """End of a trial.

    Attributes:
        row: Its row of the table.
        reports: What it reported, by tenths of its schedule.
        save: Writes its model into a new folder; None if it has none.
    """

    row: TrialRow
    reports: Reports
    save: Callable[[Path], object] | None = None


class Running(Protocol):
    """A trial that runs."""

    def wait(self) -> Outcome:
        """Return how it ended, once it has."""


class Runner(Protocol):
    """Runs trials.

    Attributes:
        is_here: Whether a trial that exhausts the memory ends this process.
    """

    is_here: ClassVar[bool]

    def start(self, trial: Trial, seconds: float | None) -> Running:
        """Start a trial, with the time limit of its steps."""

    def stop(self, running: Iterable[Any]) -> None:
        """End trials that it started."""


@dataclass(frozen=True)
class Here:
    """Runs one trial after another in this process.

    Attributes:
        prepared: What all trials share.
    """

    prepared: Prepared
    is_here: ClassVar[bool] = True

    def start(self, trial: Trial, seconds: float | None) -> Running:
        """Return the trial, which runs when it is waited for."""
        return _Deferred(self.prepared, trial, seconds)

    def stop(self, running: Iterable[Any]) -> None:
        """Do nothing: the exception has ended the trial."""


@dataclass(frozen=True)
class _Deferred:
    prepared: Prepared
    trial: Trial
    seconds: float | None

    def wait(self) -> Outcome:
        row, model = attempt(self.prepared, self.trial, self.seconds)
        return Outcome(row, self.trial.reports, None if model is None else model.save)


@dataclass(frozen=True)
class TrialJobs:
    """The jobs of trials in processes of their own.

    Attributes:
        out: Folder of the search.
        shared: What all of them share, as plain JSON: `data`, `valid`, `given` and `run`.
        threads: Threads of each process.
    """

    out: Path
    shared: Mapping[str, Any]
    threads: int

    def lay_out(self, trial: Trial) -> Path:
        """Write the job of a trial into its folder, and return it; the result of it may be there.

        It is, if the search was killed before the result was stored.
        """
        folder = trial_folder(self.out, trial.number)
        job = {
            **self.shared,
            "number": trial.number,
            "settings": trial.settings,
            "medians": trial.medians.to_json(),
        }
        text = json.dumps(job, ensure_ascii=False) + "\n"
        path = folder / JOB
        if not (path.is_file() and path.read_text(encoding="utf-8") == text):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write_atomically(path, text)
        return folder


@dataclass(frozen=True)
class Processes:
    """Runs each trial in a process of its own on this machine.

    Attributes:
        jobs: Their jobs.
    """

    jobs: TrialJobs
    is_here: ClassVar[bool] = False

    def start(self, trial: Trial, seconds: float | None) -> Running:
        """Start the process."""
        folder = self.jobs.lay_out(trial)
        with (folder / LOG).open("ab") as log, unbroken():
            process = OwnProcess(_command(folder, seconds), log, threads=self.jobs.threads)
        return _OnThisMachine(folder, trial, process)

    def stop(self, running: "Iterable[_OnThisMachine]") -> None:
        """Kill the processes."""
        for trial in running:
            trial.process.kill()


@dataclass(frozen=True)
class _OnThisMachine:
    folder: Path
    trial: Trial
    process: OwnProcess

    def wait(self) -> Outcome:
        code = self.process.wait()
        self.process.kill()  # closes its pipe
        return _outcome(self.folder, self.trial, code, _read_result(self.folder))


@dataclass(frozen=True)
class Tasks:
    """Runs each trial as a task of the connected cluster.

    Attributes:
        jobs: Their jobs, in a folder that all nodes share.
    """

    jobs: TrialJobs
    is_here: ClassVar[bool] = False

    def start(self, trial: Trial, seconds: float | None) -> Running:
        """Submit the task."""
        folder, threads = self.jobs.lay_out(trial), self.jobs.threads
        item = {
            "folder": str(folder),
            "seconds": seconds,
            "threads": threads,
            "cwd": str(Path.cwd()),
        }
        return _OnANode(folder, trial, Task(run_on_node, item, cores=threads))

    def stop(self, running: "Iterable[_OnANode]") -> None:
        """Cancel the tasks."""
        cancel_tasks(trial.task for trial in running)


@dataclass(frozen=True)
class _OnANode:
    folder: Path
    trial: Trial
    task: Task

    def wait(self) -> Outcome:
        ended = self.task.result()
        return _outcome(self.folder, self.trial, ended["code"], ended["result"])


def run_on_node(values: Mapping[str, Any]) -> dict[str, Any]:
    """Run the job of a trial on a node of a cluster, in a process of its own.

    Args:
        values: `folder`, `seconds`, `threads`, and `cwd`, which relative paths begin from.

    Returns:
        The exit code, and what the process left as its result.
    """
    folder, cwd = Path(values["folder"]), values["cwd"] if Path(values["cwd"]).is_dir() else None
    command = _command(folder, values["seconds"])
    with (folder / LOG).open("ab") as log:
        code = run_to_its_end(command, log, threads=values["threads"], cwd=cwd)
    return {"code": code, "result": _read_result(folder)}


def _command(folder: Path, seconds: float | None) -> list[str]:
    limit = [] if seconds is None else [str(seconds)]
    return [sys.executable, "-m", "munjang.tuning.worker", str(folder), *limit]


def _read_result(folder: Path) -> dict[str, Any] | None:
    path = folder / RESULT
    if not path.exists():
        return None
    return read_object(path, "result of a trial", "remove this folder, and --resume")


def _outcome(folder: Path, trial: Trial, code: int, result: dict[str, Any] | None) -> Outcome:
    if code == LOCKED:
        raise FolderError(
            f"{folder}: another process still writes there; wait until it ends, and --resume"
        )
    if result is None:
        note = f"{why_it_ended(code)}; see {folder / LOG}"
        return Outcome(TrialRow(trial.number, "failed", None, trial.settings, note=note), {})
    if "refused" in result:
        raise ConfigError(f"trial {trial.number}: {result['refused']}")
    reports = {int(tenth): value for tenth, value in result["reports"].items()}
    save = partial(shutil.copytree, folder / MODEL) if (folder / MODEL).exists() else None
    return Outcome(TrialRow(**result["row"]), reports, save)
