"""All runs of a plan, one after another on this machine or as tasks of a cluster."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from munjang.cluster.nodes import check_nodes, describe_nodes, require_slots
from munjang.cluster.tasks import run_tasks
from munjang.comparison.folder import RUNS
from munjang.comparison.plan import Job, Plan, jobs
from munjang.comparison.processes import read_record, run_alone
from munjang.folder.lock import ORPHAN_SECONDS, hold_lock
from munjang.progress.display import Display
from munjang.reporting import Report, pluralize

Records = list[tuple[Job, dict[str, Any]]]


class Runs:
    """The runs of a plan: which are done, which are under way, and what is said about them.

    Args:
        plan: The plan.
        folder: Folder of the comparison.
        report: Called with a line when a run begins and when it ends.
        display: Shows how many are done.
    """

    def __init__(self, plan: Plan, folder: Path, report: Report, display: Display) -> None:
        self.jobs = list(jobs(plan))
        self.folder = folder
        self._report = report
        self._display = display
        self._records: dict[int, dict[str, Any]] = {}

    def run_here(self) -> Records:
        """Return the record of every run; finished ones are not run again."""
        for number in self._remaining():
            self._begin(number)
            self._end(number, run_alone(self.jobs[number], self.folder))
        return self._in_order()

    def run_on_cluster(self, cores: int) -> Records:
        """Return the record of every run; those that remain run on the connected cluster.

        Args:
            cores: CPU cores and threads of each run.
        """
        self.folder = self.folder.resolve()
        slots = require_slots(cores)
        check_nodes(self.folder)
        self._report(describe_nodes(slots, cores))
        with closing(run_tasks(run_on_node, self._items(cores), cores=cores)) as tasks:
            for item, record in tasks:
                self._end(item["number"], record)
        return self._in_order()

    def _remaining(self) -> Iterator[int]:
        """Yield which runs are not done, as they are asked for."""
        for number, job in enumerate(self.jobs):
            record = read_record(job, self.folder)
            if record is not None and record["status"] == "done":
                self._records[number] = record
                self._report(f"{self._name(number)}: done before")
            else:
                yield number

    def _items(self, cores: int) -> Iterator[dict[str, Any]]:
        """Yield the argument of `run_on_node` for every run that remains."""
        common = {"out": str(self.folder), "threads": cores, "cwd": str(Path.cwd())}
        for number in self._remaining():
            self._begin(number)
            yield {**common, "number": number, "job": self.jobs[number].to_json()}

    def _begin(self, number: int) -> None:
        job = self.jobs[number]
        name = f"{job.candidate.name}, seed {job.seed}"
        self._display.count(len(self._records), len(self.jobs), name)
        self._report(f"{self._name(number)} ...")

    def _end(self, number: int, record: dict[str, Any]) -> None:
        self._records[number] = record
        self._report(f"{self._name(number)}: {_summary(record)}")

    def _name(self, number: int) -> str:
        job = self.jobs[number]
        return f"[{number + 1}/{len(self.jobs)}] {job.candidate.name}, seed {job.seed}"

    @property
    def done(self) -> str:
        """Number of runs that have ended, for a message."""
        return f"{len(self._records)} of {len(self.jobs)} runs"

    def _in_order(self) -> Records:
        self._display.count(len(self.jobs), len(self.jobs), "done")
        return [(job, self._records[number]) for number, job in enumerate(self.jobs)]


def run_all(
    plan: Plan, folder: Path, report: Report, display: Display, cores: int | None
) -> Records:
    """Return the record of every run of a plan.

    Args:
        plan: The plan.
        folder: Folder of the comparison.
        report: Called with a line when a run begins and when it ends.
        display: Shows how many are done.
        cores: CPU cores of each run on the connected cluster; None runs them here, one by one.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the message says how much is done.
        MunjangError: The cluster cannot do it.
        OSError: The disk is full.
    """
    runs = Runs(plan, folder, report, display)
    try:
        return runs.run_here() if cores is None else runs.run_on_cluster(cores)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped after {runs.done}; the same command with --resume continues from {folder}"
        ) from None


def run_on_node(values: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job on a node of a cluster, in a process of its own; return its record.

    Args:
        values: `job`, `out`, `threads`, and `cwd`, which relative paths in settings begin from.
    """
    cwd = values["cwd"] if Path(values["cwd"]).is_dir() else None
    job = Job.from_json(values["job"])
    return run_alone(job, Path(values["out"]), threads=values["threads"], cwd=cwd)


def wait_for_runs(folder: Path) -> None:
    """Wait until no process of a comparison that was killed writes into its runs.

    Raises:
        FolderError: One does not end.
    """
    for run in sorted((folder / RUNS).glob("*/seed-*")):
        with hold_lock(run, patience=ORPHAN_SECONDS):
            pass


def _summary(record: Mapping[str, Any]) -> str:
    if record["status"] != "done":
        return f"failed: {record['reason']}"
    steps = "" if record["steps"] is None else f"{pluralize(record['steps'], 'step')}, "
    return f"{steps}{record['seconds']:.1f} s"
