"""Results of a comparison, read from the files that its runs wrote."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from munjang.comparison.candidates import Candidate
from munjang.comparison.contests import contest_of
from munjang.comparison.folder import DATA, PARTS
from munjang.comparison.formatting import figure_text
from munjang.comparison.measure import describe_machine
from munjang.comparison.plan import Job, Plan
from munjang.comparison.results import Comparison, Curve, Details
from munjang.comparison.selection import smallest_good_enough
from munjang.comparison.standings import Outcome, make_standings
from munjang.comparison.stored import read_part

Records = Sequence[tuple[Job, Mapping[str, Any]]]


class Judge(Protocol):
    """Judges runs on the test part of a comparison."""

    def outcome(self, record: Mapping[str, Any], run: Path, /) -> Outcome:
        """Return the outcome of the finished run in a folder."""

    def details(self, outcomes: Mapping[Candidate, Sequence[Outcome]], /) -> Details:
        """Return what the page and the JSON have beside the table."""


def gather(plan: Plan, folder: Path, records: Records) -> Comparison:
    """Judge all runs in `folder`, and make the table of them."""
    judge = contest_of(plan.task).judge(plan, folder)
    outcomes: dict[Candidate, list[Outcome]] = {one: [] for one in plan.candidates}
    reasons: dict[Candidate, list[str]] = {one: [] for one in plan.candidates}
    for job, record in records:
        if record["status"] == "done":
            outcomes[job.candidate].append(judge.outcome(record, job.folder(folder)))
        else:
            reasons[job.candidate].append(record["reason"])
    standings = make_standings(
        outcomes, reasons, plan.seeds, metric=plan.metric, margin=plan.margin
    )
    choice = smallest_good_enough(
        standings,
        margin=plan.margin,
        text=lambda value: figure_text(plan.metric, value),
        by_clock=plan.budget.seconds is not None,
        noun=contest_of(plan.task).noun,
    )
    return Comparison(
        plan=plan,
        folder=folder,
        rows={name: len(read_part(folder / DATA, name).inputs) for name in PARTS},
        standings=tuple(standings),
        choice=choice,
        details=judge.details(outcomes),
        curves=_curves(plan.metric, records),
        machine=_machines(records),
    )


def _curves(metric: str, records: Records) -> tuple[Curve, ...]:
    curves = []
    for job, record in records:
        points = [point for point in record.get("history", ()) if point.get(metric) is not None]
        if points:
            seconds = tuple(float(point["seconds"]) for point in points)
            scores = tuple(float(point[metric]) for point in points)
            curves.append(Curve(job.candidate.name, job.seed, seconds, scores))
    return tuple(curves)


def _machines(records: Records) -> str:
    """Return the machines that the runs were measured on, each once."""
    names = [record["machine"] for _, record in records if record.get("machine")]
    return "; ".join(dict.fromkeys(names or [describe_machine()]))
