"""`compare`: every model on the same data, each run in a process of its own, and what came out."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from munjang.comparison.budget import parse_budget
from munjang.comparison.contests import CONTESTS, compared_task, deciding_metric
from munjang.comparison.entrants import parse_entrants
from munjang.comparison.gathering import gather
from munjang.comparison.margins import margin_of
from munjang.comparison.networks import settings_of
from munjang.comparison.page import write_page
from munjang.comparison.parts import Sources, digest
from munjang.comparison.plan import (
    DATA,
    Job,
    Plan,
    jobs,
    open_plan,
    refuse_occupied,
)
from munjang.comparison.processes import finished, run_alone
from munjang.comparison.results import Comparison
from munjang.config import given_settings, merge, parse_overrides, shown
from munjang.errors import ConfigError
from munjang.layout import make_folder
from munjang.locks import hold
from munjang.media import refuse_pairs
from munjang.reporting import Report, discard, pluralize

_MOST_SEEDS = 1000


def compare(
    data: Any,
    *,
    out: str | Path,
    task: str | None = None,
    models: str | Sequence[str] = "all",
    tokenizers: str | Sequence[str] | None = None,
    budget: str = "60s",
    seeds: int = 3,
    metric: str | None = None,
    margin: float | None = None,
    valid: Any = None,
    test: Any = None,
    text_column: str | None = None,
    label_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
) -> Comparison:
    """Compare models on the same data, split, budget and seeds.

    Every run is a process of its own; one that fails costs its own row. `out` then holds every
    trained model, compare.json, compare.csv and compare.html.

    Args:
        data: labelled text, or pairs of texts, as for `munjang.train`.
        out: folder of the comparison.
        task: `classify` (one label a text) or `translate` (a text for a text). Left out, that of
            `config`, else classify.
        models: `all`, or names of architectures and baselines.
        tokenizers: names to cross with the one network among `models`.
        budget: of each training, such as "60s", "5m" or "2M tokens".
        seeds: runs of each network, with seeds from 0 up; baselines know no chance and run once.
        metric: accuracy, macro_f1 or log_loss; of pairs chrf, bleu or exact_match. The first of
            them when left out.
        margin: how far behind the best a model may be shown to be, at most, and still be good
            enough, in the unit of the metric. Left out, 0.01 of an accuracy, of macro F1 and of
            exact match, 1 of chrF and BLEU, 0.02 of log loss.
        valid: data that chooses each network's best step; a tenth of `data` when left out.
        test: data that all are judged on; a tenth of `data` when left out.
        text_column: column of texts; guessed when left out.
        label_column: column of labels; guessed when left out.
        source_column: of pairs; guessed when left out.
        target_column: of pairs; guessed when left out.
        config: settings for all networks.
        overrides: `key=value` strings laid on top.
        encoding: of text files.
        skip_bad_rows: skip and count rows that cannot be used.
        resume: go on with the comparison in `out`; failed runs are tried again.
        overwrite: replace the comparison in `out`.
        report: called with lines for people.

    Raises:
        MunjangError: the data, a setting, a name or the folder cannot be used.
        KeyboardInterrupt: Ctrl-C came; what is finished stays, and `resume` goes on.
        OSError: the disk is full, and likewise.
    """
    report, folder = report or discard, Path(out)
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "source_column": source_column,
        "target_column": target_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    given = given_settings(config, {"task": task, "data": reading})
    typed = parse_overrides(overrides)
    learned = compared_task(merge(given, typed).get("task", "classify"))
    for one in (data, valid, test):
        refuse_pairs(one, learned)
    contest = CONTESTS[learned]
    crossed = None if tokenizers is None else _listed(tokenizers)
    entrants = parse_entrants(_listed(models), crossed, learned)
    spend, chosen = parse_budget(budget), deciding_metric(learned, metric)
    allowed = margin_of(chosen, margin)
    _check_seeds(seeds)
    given = merge(merge(given, {"training": {"metric": chosen}}), typed)
    refuse_occupied(folder, resume=resume, overwrite=overwrite)
    parts = contest.cut(Sources(data, valid, test), given, report)
    given = contest.settings(given)
    for entrant in entrants:  # a mistake is told at once, and not by every run for itself
        if not entrant.is_baseline:
            contest.check(entrant.model, settings_of(entrant, 0, given), parts)
    plan = Plan(learned, entrants, seeds, spend, chosen, given, digest(parts), allowed)
    with hold(make_folder(folder), report):
        refuse_occupied(folder, resume=resume, overwrite=overwrite)
        open_plan(folder, plan, resume=resume)
        contest.write(parts, folder / DATA)
        comparison = gather(plan, folder, _run_all(plan, folder, report))
        comparison.write()
        write_page(comparison)
    return comparison


def _listed(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ",".join(names)


def _check_seeds(seeds: int) -> None:
    if seeds < 1:
        raise ConfigError(f"seeds: expected 1 or more, got {shown(seeds)}")
    if seeds > _MOST_SEEDS:
        raise ConfigError(f"seeds: expected {_MOST_SEEDS:,} or fewer, got {shown(seeds)}")


def _run_all(plan: Plan, folder: Path, report: Report) -> list[tuple[Job, dict[str, Any]]]:
    """The record of every run; those that are done are not run again."""
    todo = list(jobs(plan))
    records: list[tuple[Job, dict[str, Any]]] = []
    for number, job in enumerate(todo, start=1):
        who = f"[{number}/{len(todo)}] {job.entrant.name}, seed {job.seed}"
        record = finished(job, folder)
        if record is not None and record["status"] == "done":
            report(f"{who}: done before")
        else:
            report(f"{who} ...")
            record = _run_or_stop(job, folder, f"{number - 1} of {len(todo)} runs")
            report(f"{who}: {_told(record)}")
        records.append((job, record))
    return records


def _run_or_stop(job: Job, folder: Path, done: str) -> dict[str, Any]:
    """The record of a run; Ctrl-C says how much is done, and how to go on."""
    try:
        return run_alone(job, folder)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped after {done}; the same command with --resume goes on from {folder}"
        ) from None


def _told(record: Mapping[str, Any]) -> str:
    if record["status"] != "done":
        return f"failed: {record['reason']}"
    steps = "" if record["steps"] is None else f"{pluralize(record['steps'], 'step')}, "
    return f"{steps}{record['seconds']:.1f} s"
