"""`compare`: every model on the same data, each run in a process of its own, and what came out."""

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from munjang.comparison.budget import parse_budget
from munjang.comparison.disagreements import disagreements
from munjang.comparison.entrants import Entrant, parse_entrants
from munjang.comparison.networks import settings_of
from munjang.comparison.page import write_page
from munjang.comparison.parts import Part, cut, digest, labels_of, read_part, write_parts
from munjang.comparison.plan import (
    ANSWERS,
    DATA,
    PARTS,
    Job,
    Plan,
    jobs,
    open_plan,
    refuse_occupied,
)
from munjang.comparison.processes import finished, run_alone
from munjang.comparison.results import Comparison, Curve
from munjang.comparison.selection import smallest_good_enough
from munjang.comparison.standings import Outcome, make_standings
from munjang.comparison.statistics import Floats, Ints, Metric
from munjang.config import merge, parse_overrides, read_yaml
from munjang.errors import ConfigError
from munjang.recipe import make_recipe, script_of
from munjang.tasks.metrics import Confusion

Say = Callable[[str], None]
Records = Sequence[tuple[Job, Mapping[str, Any]]]
METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "log_loss")
_COLUMNS = {"text_column": "text", "label_column": "label"}


def compare(
    data: Any,
    *,
    out: str | Path,
    models: str | Sequence[str] = "all",
    tokenizers: str | Sequence[str] | None = None,
    budget: str = "60s",
    seeds: int = 3,
    metric: str = "accuracy",
    valid: Any = None,
    test: Any = None,
    text_column: str | None = None,
    label_column: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Say | None = None,
) -> Comparison:
    """Compare models on the same data, split, budget and seeds.

    Every run is a process of its own; one that fails costs its own row. `out` then holds every
    trained model, compare.json, compare.csv and compare.html.

    Args:
        data: labelled text, as for `munjang.train`.
        out: folder of the comparison.
        models: `all`, or names of architectures and baselines.
        tokenizers: names to cross with the one network among `models`.
        budget: of each training, such as "60s", "5m" or "2M tokens".
        seeds: runs of each network, with seeds from 0 up; baselines know no chance and run once.
        metric: accuracy, macro_f1 or log_loss.
        valid: data that chooses each network's best step; a tenth of `data` when left out.
        test: data that all are judged on; a tenth of `data` when left out.
        text_column: column of texts; guessed when left out.
        label_column: column of labels; guessed when left out.
        config: settings for all networks.
        overrides: `key=value` strings laid on top.
        encoding: of text files.
        skip_bad_rows: skip and count rows that cannot be used.
        resume: go on with the comparison in `out`; failed runs are tried again.
        overwrite: replace the comparison in `out`.
        say: called with lines for people.

    Raises:
        MunjangError: the data, a setting, a name or the folder cannot be used.
        KeyboardInterrupt: Ctrl-C came; what is finished stays, and `resume` goes on.
    """
    say, folder = say or _silent, Path(out)
    entrants = parse_entrants(_listed(models), None if tokenizers is None else _listed(tokenizers))
    spend = parse_budget(budget)
    chosen = _check_numbers(seeds, metric)
    base = read_yaml(config) if isinstance(config, str | Path) else dict(config or {})
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    given = merge(base, {"training": {"metric": metric}})
    given = merge(given, {"data": {k: v for k, v in reading.items() if v is not None}})
    given = merge(given, parse_overrides(overrides))
    refuse_occupied(folder, resume=resume, overwrite=overwrite)
    common = make_recipe("mean", "other", 0, _without_model(given))
    if common.labels is not None:
        raise ConfigError("labels: a comparison finds the classes in DATA; leave this setting out")
    parts = cut(data, valid, test, common.data, common.seed, say)
    # what said how to read and cut has done its work: a run reads the parts, with its own seed
    given = {key: value for key, value in given.items() if key not in ("data", "seed")}
    given["data"] = _COLUMNS
    _check_settings(entrants, given, parts["train"].texts)
    plan = Plan(entrants, seeds, spend, chosen, given, digest(parts))
    open_plan(folder, plan, resume=resume)
    write_parts(parts, folder / DATA)
    records = _run_all(plan, folder, say)
    comparison = gather(plan, folder, records)
    comparison.write()
    write_page(comparison)
    return comparison


def _silent(line: str) -> None:
    """Say nothing."""


def _listed(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ",".join(names)


def _check_numbers(seeds: int, metric: str) -> Metric:
    if seeds < 1:
        raise ConfigError(f"seeds: expected 1 or more, got {seeds}")
    for known in METRICS:
        if known == metric:
            return known
    raise ConfigError(f"metric: expected {', '.join(METRICS)}; got '{metric}'")


def _without_model(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != "model"}


def _check_settings(entrants: Iterable[Entrant], given: Mapping[str, Any], texts: Any) -> None:
    """A mistake in the settings is told at once, and not by every run for itself."""
    for entrant in entrants:
        if not entrant.is_baseline:
            settings = settings_of(entrant, 0, given)
            make_recipe(entrant.model, script_of(texts), len(texts), settings)


def _run_all(plan: Plan, folder: Path, say: Say) -> list[tuple[Job, dict[str, Any]]]:
    """The record of every run; those that are done are not run again."""
    todo = list(jobs(plan))
    records: list[tuple[Job, dict[str, Any]]] = []
    for number, job in enumerate(todo, start=1):
        who = f"[{number}/{len(todo)}] {job.entrant.name}, seed {job.seed}"
        record = finished(job, folder)
        if record is None or record["status"] != "done":
            say(f"{who} ...")
            try:
                record = run_alone(job, folder)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"stopped after {number - 1} of {len(todo)} runs; the same command with "
                    f"--resume goes on from {folder}"
                ) from None
            say(f"{who}: {_told(record)}")
        else:
            say(f"{who}: done before")
        records.append((job, record))
    return records


def _told(record: Mapping[str, Any]) -> str:
    if record["status"] != "done":
        return f"failed: {record['reason']}"
    steps = "" if record["steps"] is None else f"{record['steps']:,} steps, "
    return f"{steps}{record['seconds']:.1f} s"


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
