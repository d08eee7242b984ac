"""From what the runs left in the folder to what they tell together."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from munjang.comparison.class_judge import ClassJudge
from munjang.comparison.entrants import ComparedTask, Entrant
from munjang.comparison.kept import read_part
from munjang.comparison.pair_judge import PairJudge
from munjang.comparison.plan import DATA, PARTS, Job, Plan
from munjang.comparison.results import Comparison, Curve, Details
from munjang.comparison.selection import smallest_good_enough
from munjang.comparison.shown import digits_of
from munjang.comparison.standings import Outcome, make_standings

Records = Sequence[tuple[Job, Mapping[str, Any]]]


class Judge(Protocol):
    """Judges runs by the test part of a comparison."""

    def outcome(self, record: Mapping[str, Any], run: Path, /) -> Outcome:
        """What the run in a folder, which came to its end, gave."""

    def details(self, outcomes: Mapping[Entrant, Sequence[Outcome]], /) -> Details:
        """What is told beside the table."""


JUDGES: dict[ComparedTask, Callable[[Plan, Path], Judge]] = {
    "classify": ClassJudge.of,
    "translate": PairJudge.of,
}


def gather(plan: Plan, folder: Path, records: Records) -> Comparison:
    """All that the runs in `folder` tell together."""
    judge = JUDGES[plan.task](plan, folder)
    outcomes: dict[Entrant, list[Outcome]] = {entrant: [] for entrant in plan.entrants}
    reasons: dict[Entrant, list[str]] = {entrant: [] for entrant in plan.entrants}
    for job, record in records:
        if record["status"] == "done":
            outcomes[job.entrant].append(judge.outcome(record, job.folder(folder)))
        else:
            reasons[job.entrant].append(record["reason"])
    standings = make_standings(
        outcomes, reasons, plan.seeds, metric=plan.metric, margin=plan.margin
    )
    choice = smallest_good_enough(
        standings,
        margin=plan.margin,
        digits=digits_of(plan.metric),
        by_clock=plan.budget.seconds is not None,
    )
    return Comparison(
        plan=plan,
        folder=folder,
        rows={name: len(read_part(folder / DATA, name).texts) for name in PARTS},
        standings=tuple(standings),
        choice=choice,
        details=judge.details(outcomes),
        curves=_curves(plan.metric, records),
        machine=_machine(),
    )


def _curves(metric: str, records: Records) -> tuple[Curve, ...]:
    found = []
    for job, record in records:
        points = [one for one in record.get("history", ()) if one.get(metric) is not None]
        if points:
            seconds = tuple(float(one["seconds"]) for one in points)
            scores = tuple(float(one[metric]) for one in points)
            found.append(Curve(job.entrant.name, job.seed, seconds, scores))
    return tuple(found)


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
