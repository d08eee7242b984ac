"""The plan of a comparison."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from munjang.cluster.nodes import PROBE
from munjang.comparison.budget import Budget
from munjang.comparison.candidates import Candidate
from munjang.comparison.folder import DATA, PAGE, PLAN, RESULTS, RUNS, TABLE, run_folder
from munjang.errors import FolderError
from munjang.folder.lock import FILE as LOCK
from munjang.folder.lock import refuse_locked
from munjang.folder.manifest import write_atomically
from munjang.json_files import read_object, shown

FORMAT = 2  # of comparison.json, and of the answers of the runs


@dataclass(frozen=True)
class Plan:
    """The plan of a comparison.

    Attributes:
        task: Name of the task.
        candidates: The compared models.
        seeds: Runs of each network.
        budget: Budget of each run.
        metric: Decides which step and which model is best.
        given: The person's settings for all networks.
        data: SHA-256 of the three parts.
        margin: How far behind the best is good enough; it changes no run.
    """

    task: str
    candidates: tuple[Candidate, ...]
    seeds: int
    budget: Budget
    metric: str
    given: dict[str, Any]
    data: str
    margin: float = 0.01

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Job:
    """One run of one model.

    Attributes:
        task: Name of the task.
        candidate: The model.
        seed: Seed of the run.
        budget: Budget of the run.
        given: Settings for all networks.
    """

    task: str
    candidate: Candidate
    seed: int
    budget: Budget
    given: dict[str, Any]

    def folder(self, out: Path) -> Path:
        """Return the folder of the run within that of the comparison."""
        return run_folder(out, self.candidate.folder, self.seed)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Job":
        """Return the job of what `to_json` gave."""
        return cls(
            values["task"],
            Candidate(**values["candidate"]),
            values["seed"],
            Budget(**values["budget"]),
            values["given"],
        )


def jobs(plan: Plan) -> Iterator[Job]:
    """Yield every run: all models with the first seed, then all with the next one."""
    for seed in range(plan.seeds):
        for candidate in plan.candidates:
            if seed in candidate.seeds(plan.seeds):
                yield Job(plan.task, candidate, seed, plan.budget, plan.given)


def refuse_occupied(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder in which a comparison would overwrite something unasked. Changes nothing.

    Raises:
        FolderError: It is a file, or holds another comparison or other files, or another process
            writes there.
    """
    if out.exists() and not out.is_dir():
        raise FolderError(f"{out}: expected a folder for the comparison, this is a file")
    refuse_locked(out)
    names = {path.name for path in out.iterdir()} if out.exists() else set()
    if PLAN in names:
        if not (resume or overwrite):
            raise FolderError(
                f"{out}: holds a comparison already; --resume continues it, --overwrite replaces it"
            )
        return
    known = {DATA, LOCK, PLAN + ".partial"}
    foreign = sorted(name for name in names - known if not name.startswith(PROBE))
    if foreign:
        raise FolderError(
            f"{out}: this folder holds other files ({foreign[0]}); choose an empty one"
        )


def open_plan(out: Path, plan: Plan, *, resume: bool) -> None:
    """Write the plan, or check that the one that is there is the same.

    More models and more seeds may join a comparison; finished runs stay.

    Raises:
        FolderError: The comparison there is of other data or settings, or its plan is damaged.
    """
    path = out / PLAN
    if resume and path.exists():
        _refuse_other(out, _read(path), plan)
    elif path.exists():
        shutil.rmtree(out / RUNS, ignore_errors=True)
        for name in (PLAN, RESULTS, TABLE, PAGE):
            (out / name).unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    runs = [
        {"name": job.candidate.name, "folder": job.candidate.folder, "seed": job.seed}
        for job in jobs(plan)
    ]
    kept = {"format": FORMAT, **plan.to_json(), "runs": runs}  # the runs are for other readers
    write_atomically(path, json.dumps(kept, ensure_ascii=False, indent=2) + "\n")


def read_plan(out: Path) -> Plan:
    """Read the plan of a comparison.

    Raises:
        FolderError: it is damaged, or of another version.
    """
    path = out / PLAN
    kept = _read(path)
    try:
        return Plan(
            kept["task"],
            tuple(Candidate(**values) for values in kept["candidates"]),
            kept["seeds"],
            Budget(**kept["budget"]),
            kept["metric"],
            kept["given"],
            kept["data"],
            kept["margin"],
        )
    except (KeyError, TypeError) as error:
        raise FolderError(f"{path}: this is not the plan of a comparison ({error})") from None


def _read(path: Path) -> dict[str, Any]:
    """Read the plan."""
    cure = "--overwrite replaces it"
    before = read_object(path, "plan of a comparison", cure)
    # the first versions had one task, and no number
    before = {"task": "classify", "format": 1, **before}
    missing = [key for key in _SAME if key not in before]
    if before["format"] != FORMAT and not (missing and before["format"] == 1):
        raise FolderError(
            f"{path}: format {shown(before['format'])} of a comparison, and this munjang reads "
            f"{FORMAT}; use the version that wrote it, or {cure}"
        )
    if missing:
        raise FolderError(
            f"{path}: this is not the plan of a comparison, it lacks {', '.join(missing)}; {cure}"
        )
    return before


def _refuse_other(out: Path, before: dict[str, Any], plan: Plan) -> None:
    now = plan.to_json()
    for key in _SAME:
        if before.get(key) != now[key]:
            raise FolderError(
                f"{out}: the comparison there has another {_CALLED.get(key, key)}; give the same "
                "to continue it, or --overwrite to replace it"
            )


_SAME = ("task", "data", "budget", "metric", "given")
_CALLED = {"given": "set of settings", "data": "set of rows"}
