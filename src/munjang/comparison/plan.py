"""The plan of a comparison, and where everything lies in its folder.

comparison.json       the plan: what makes two comparisons the same one
data/                 the three parts, the same for all
runs/MODEL/seed-N/    one run: model/ is the trained model, run.json its figures, written last
compare.json, compare.csv, compare.html    what came out
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from munjang.comparison.budget import Budget
from munjang.comparison.entrants import ComparedTask, Entrant
from munjang.errors import FolderError
from munjang.json_files import read_object, shown
from munjang.locks import FILE as LOCK
from munjang.locks import refuse_held
from munjang.manifest import write_atomically

PLAN, DATA, RUNS = "comparison.json", "data", "runs"
RESULTS, TABLE, PAGE = "compare.json", "compare.csv", "compare.html"
RUN, MODEL, LOG = "run.json", "model", "log.txt"
PARTS = ("train", "valid", "test")
FORMAT = 1  # of comparison.json


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        task: what is learned.
        entrants: who takes part.
        seeds: how many runs each network gets.
        budget: of each run.
        metric: decides which step and which model is best.
        given: the person's settings for all networks.
        data: SHA-256 of the three parts.
        margin: how far behind the best is good enough. Another one changes no run.
    """

    task: ComparedTask
    entrants: tuple[Entrant, ...]
    seeds: int
    budget: Budget
    metric: str
    given: dict[str, Any]
    data: str
    margin: float = 0.01

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Job:
    """One run of one entrant.

    Attributes:
        task: what is learned.
        entrant: who.
        seed: with which seed.
        budget: what it may spend.
        given: settings for all networks.
    """

    task: ComparedTask
    entrant: Entrant
    seed: int
    budget: Budget
    given: dict[str, Any]

    def folder(self, out: Path) -> Path:
        """Where the run lies in the folder of the comparison."""
        return out / RUNS / self.entrant.folder / f"seed-{self.seed}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Job":
        """What `to_json` gave."""
        return cls(
            values["task"],
            Entrant(**values["entrant"]),
            values["seed"],
            Budget(**values["budget"]),
            values["given"],
        )


def jobs(plan: Plan) -> Iterator[Job]:
    """Every run: all with the first seed, then all with the next one."""
    for seed in range(plan.seeds):
        for entrant in plan.entrants:
            if seed in entrant.seeds(plan.seeds):
                yield Job(plan.task, entrant, seed, plan.budget, plan.given)


def refuse_occupied(out: Path, *, resume: bool, overwrite: bool) -> None:
    """See to it that a comparison in `out` would destroy nothing unasked. Changes nothing.

    Raises:
        FolderError: a file, another comparison or other files stand there, or another process
            writes there.
    """
    if out.exists() and not out.is_dir():
        raise FolderError(f"{out}: expected a folder for the comparison, this is a file")
    refuse_held(out)
    names = {path.name for path in out.iterdir()} if out.exists() else set()
    if PLAN in names:
        if not (resume or overwrite):
            raise FolderError(
                f"{out}: a comparison stands here; --resume goes on with it, "
                "--overwrite begins anew"
            )
        return
    foreign = sorted(names - {DATA, LOCK, PLAN + ".partial"})
    if foreign:
        raise FolderError(
            f"{out}: this folder holds other files ({foreign[0]}); choose an empty one"
        )


def open_plan(out: Path, plan: Plan, *, resume: bool) -> None:
    """Write the plan, or see that the one that stands there is the same.

    More models and more seeds may join a comparison; the runs that are done stay.

    Raises:
        FolderError: the comparison there is of other data or settings, or its plan is damaged.
    """
    path = out / PLAN
    if resume and path.exists():
        _refuse_other(out, _read(path), plan)
    elif path.exists():
        shutil.rmtree(out / RUNS, ignore_errors=True)
        for name in (PLAN, RESULTS, TABLE, PAGE):
            (out / name).unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    kept = {"format": FORMAT, **plan.to_json()}
    write_atomically(path, json.dumps(kept, ensure_ascii=False, indent=2) + "\n")


def _read(path: Path) -> dict[str, Any]:
    """The plan that a file holds."""
    cure = "--overwrite begins anew"
    before = read_object(path, "plan of a comparison", cure)
    # once there were no other tasks, and no number
    before = {"task": "classify", "format": FORMAT, **before}
    if before["format"] != FORMAT:
        raise FolderError(
            f"{path}: format {shown(before['format'])} of a comparison, and this munjang reads "
            f"{FORMAT}; use the version that wrote it, or {cure}"
        )
    missing = [key for key in _SAME if key not in before]
    if missing:
        raise FolderError(
            f"{path}: this is no plan of a comparison, it lacks {', '.join(missing)}; {cure}"
        )
    return before


def _refuse_other(out: Path, before: dict[str, Any], plan: Plan) -> None:
    now = plan.to_json()
    for key in _SAME:
        if before.get(key) != now[key]:
            raise FolderError(
                f"{out}: the comparison there has another {_CALLED.get(key, key)}; give the same "
                "to go on with it, or --overwrite to begin anew"
            )


_SAME = ("task", "data", "budget", "metric", "given")
_CALLED = {"given": "set of settings", "data": "set of rows"}
