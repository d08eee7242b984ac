"""Comparisons: the table of a finished one, and the runs of one that is not."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, structs

from munjang.comparison.folder import MODEL, PLAN, RESULTS, RUN, run_folder
from munjang.comparison.records import read_run
from munjang.diagnosis.run_progress import ProgressReader, has_log
from munjang.errors import MunjangError
from munjang.folder.lock import is_locked
from munjang.serving.runs.files import JsonFile, is_inside, modified_at, plain_text, stamp_of
from munjang.serving.runs.run import Details, Facts
from munjang.serving.runs.shapes import (
    Best,
    Choice,
    ComparedRun,
    ComparisonTable,
    Count,
    Curve,
    Progress,
    Standing,
)
from munjang.serving.runs.trainings import as_curve

_MOST_MODELS = 200
_MOST_RUNS = 2000
_MOST_CURVES = 60
_MOST_POINTS = 300


class _PlannedRun(Struct):
    """A run in `comparison.json`."""

    name: str
    folder: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$")]
    seed: Count


class _Plan(Struct):
    """The part of `comparison.json` that is shown."""

    metric: str
    task: str = "classify"
    runs: list[_PlannedRun] = []


class _FinishedCurve(Struct):
    """A learning curve in `compare.json`."""

    name: str
    seed: Count
    seconds: list[float] = []
    scores: list[float] = []


class _Results(Struct):
    """The part of `compare.json` that is shown."""

    task: str
    metric: str
    machine: str = ""
    rows: dict[str, Count] = {}
    standings: list[Standing] = []
    choice: Choice | None = None
    curves: list[_FinishedCurve] = []


@dataclass(frozen=True)
class _Runs:
    """The runs of a comparison.

    Attributes:
        plan: the plan.
        runs: how each run stands.
        current: folder of the run that is under way; None if there is none.
        updated: when one last changed, in seconds since 1970.
    """

    plan: _Plan
    runs: list[ComparedRun]
    current: Path | None
    updated: float

    @property
    def done(self) -> int:
        """Number of runs that ended."""
        return sum(run.state in ("done", "failed") for run in self.runs)


class ComparisonReader:
    """Reader of the folder of a comparison.

    Args:
        folder: the folder.
        root: folder that must hold all that is read, its links followed.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        self._plan = JsonFile(folder / PLAN, root, _Plan)
        self._results = JsonFile(folder / RESULTS, root, _Results)
        self._records: dict[Path, tuple[object, ComparedRun]] = {}
        self._current: ProgressReader | None = None

    @property
    def _is_finished(self) -> bool:
        """True if the results are those of the plan, which is written when it begins."""
        results, plan = (modified_at(self._folder / name) for name in (RESULTS, PLAN))
        return results > 0 and results >= plan

    def facts(self) -> Facts:
        """Return what the list tells."""
        is_running = is_locked(self._folder)
        if self._is_finished and not is_running:
            results: _Results = self._results.read()
            count = len(results.standings)
            return Facts(
                "finished",
                modified_at(self._folder / RESULTS),
                plain_text(results.task),
                progress=Progress("model", count, count),
                best=_best(results),
            )
        found = self._read_runs()
        return Facts(
            "running" if is_running else "stopped",
            found.updated,
            plain_text(found.plan.task),
            progress=Progress("run", found.done, len(found.runs)),
        )

    def details(self) -> Details:
        """Return the table, or the runs so far with the curves of the present one."""
        if self._is_finished and not is_locked(self._folder):
            results: _Results = self._results.read()
            return Details(_curves(results), comparison=_table(results))
        found = self._read_runs()
        table = ComparisonTable(plain_text(found.plan.metric), runs=found.runs)
        return Details(self._read_current(found.current), comparison=table)

    def _read_runs(self) -> _Runs:
        plan: _Plan = self._plan.read()
        runs, current, updated = [], None, modified_at(self._folder / PLAN)
        is_running = is_locked(self._folder)
        for planned in plan.runs[:_MOST_RUNS]:
            folder = run_folder(self._folder, planned.folder, planned.seed)
            run = self._read_run(planned, folder)
            if run.state == "waiting" and is_running and current is None and folder.is_dir():
                run, current = structs.replace(run, state="running"), folder
            updated = max(updated, modified_at(folder / RUN))
            runs.append(run)
        return _Runs(plan, runs, current, updated)

    def _read_run(self, planned: _PlannedRun, folder: Path) -> ComparedRun:
        """Return how a run stands; its record is read again if it has changed."""
        path = folder / RUN
        stamp = stamp_of(path)
        name, seed = plain_text(planned.name, 100), planned.seed
        if stamp is None or not is_inside(path, self._root):
            return ComparedRun(name, seed, "waiting")
        before, run = self._records.get(path, (None, None))
        if run is None or before != stamp:
            run = _read_record(path, name, seed)
            self._records[path] = (stamp, run)
        return run

    def _read_current(self, folder: Path | None) -> list[Curve]:
        """Return the curves of the run that is under way."""
        if folder is None or not is_inside(folder, self._root) or not has_log(folder / MODEL):
            return []
        if self._current is None or self._current.folder != folder / MODEL:
            self._current = ProgressReader(folder / MODEL)
        return [as_curve(curve) for curve in self._current.read().curves]


def _read_record(path: Path, name: str, seed: int) -> ComparedRun:
    try:
        record = read_run(path)
    except MunjangError as error:
        return ComparedRun(name, seed, "damaged", reason=plain_text(error))
    if record["status"] == "failed":
        return ComparedRun(name, seed, "failed", reason=plain_text(record["reason"]))
    return ComparedRun(name, seed, "done", seconds=float(record["seconds"]))


def _best(results: _Results) -> Best | None:
    judged = [row for row in results.standings if row.score is not None]
    if not judged or judged[0].score is None:
        return None
    return Best(plain_text(results.metric), judged[0].score, plain_text(judged[0].name))


def _table(results: _Results) -> ComparisonTable:
    choice = results.choice
    return ComparisonTable(
        plain_text(results.metric),
        plain_text(results.machine),
        dict(islice(results.rows.items(), 10)),
        [_shorten(row) for row in results.standings[:_MOST_MODELS]],
        choice and Choice(plain_text(choice.name), plain_text(choice.why), choice.is_conclusive),
    )


def _shorten(row: Standing) -> Standing:
    """Return a row with texts of bounded length."""
    reasons = [plain_text(reason) for reason in row.reasons[:5]]
    name, verdict = plain_text(row.name), plain_text(row.verdict)
    return structs.replace(row, name=name, verdict=verdict, reasons=reasons)


def _curves(results: _Results) -> list[Curve]:
    return [
        Curve(plain_text(curve.name, 100), str(curve.seed), *_thin(curve.seconds, curve.scores))
        for curve in results.curves[:_MOST_CURVES]
    ]


def _thin(xs: list[float], ys: list[float]) -> tuple[list[float], list[float]]:
    """Return as many x as y, some hundred at most."""
    count = min(len(xs), len(ys))
    every = max(1, -(-count // _MOST_POINTS))
    return xs[:count:every], ys[:count:every]
