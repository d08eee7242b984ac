"""From what the runs left in the folder to what they tell together."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from munjang.comparison.disagreements import disagreements
from munjang.comparison.entrants import Entrant
from munjang.comparison.kept import Part, labels_of, read_part
from munjang.comparison.plan import ANSWERS, DATA, PARTS, Job, Plan
from munjang.comparison.results import Comparison, Curve
from munjang.comparison.selection import smallest_good_enough
from munjang.comparison.standings import Outcome, make_standings
from munjang.comparison.statistics import Floats, Ints, Metric
from munjang.tasks.metrics import Confusion

Records = Sequence[tuple[Job, Mapping[str, Any]]]


def gather(plan: Plan, folder: Path, records: Records) -> Comparison:
    """All that the runs in `folder` tell together."""
    labels = labels_of(folder / DATA)
    test = read_part(folder / DATA, "test", labels)
    outcomes: dict[Entrant, list[Outcome]] = {entrant: [] for entrant in plan.entrants}
    reasons: dict[Entrant, list[str]] = {entrant: [] for entrant in plan.entrants}
    for job, record in records:
        if record["status"] == "done":
            answers = load_file(job.folder(folder) / ANSWERS)["probabilities"]
            outcomes[job.entrant].append(Outcome(record, answers))
        else:
            reasons[job.entrant].append(record["reason"])
    standings = make_standings(plan.metric, outcomes, reasons, plan.seeds, test.targets)
    return Comparison(
        plan=plan,
        folder=folder,
        labels=labels,
        rows={name: len(read_part(folder / DATA, name, labels).texts) for name in PARTS},
        standings=tuple(standings),
        choice=smallest_good_enough(standings),
        curves=_curves(plan.metric, records),
        **_of_rows(outcomes, test, labels),
        machine=_machine(),
    )


def _of_rows(
    outcomes: Mapping[Entrant, Sequence[Outcome]], test: Part, labels: Sequence[str]
) -> dict[str, Any]:
    runs = {who.name: [one.probabilities for one in ran] for who, ran in outcomes.items() if ran}
    # majority says the same of every text; its disagreement is no news
    readers = {name: seeds for name, seeds in runs.items() if name != "majority"}
    return {
        "confusions": {name: _confusion(seeds, test.targets) for name, seeds in runs.items()},
        "examples": disagreements(readers, test.texts, test.targets, labels),
    }


def _confusion(seeds: Sequence[Floats], targets: Ints) -> Confusion:
    classes = seeds[0].shape[1]
    counts = np.zeros((classes, classes), dtype=np.int64)
    for probabilities in seeds:
        np.add.at(counts, (targets, probabilities.argmax(1)), 1)
    return tuple(tuple(row) for row in counts.tolist())


def _curves(metric: Metric, records: Records) -> tuple[Curve, ...]:
    found = []
    for job, record in records:
        points = [one for one in record.get("history", ()) if one[metric] is not None]
        if points:
            seconds = tuple(float(one["seconds"]) for one in points)
            scores = tuple(float(one[metric]) for one in points)
            found.append(Curve(job.entrant.name, job.seed, seconds, scores))
    return tuple(found)


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
