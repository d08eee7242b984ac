"""`compare`: every model on the same data, each run in a process of its own, and what came out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from munjang.comparison.budget import parse_budget
from munjang.comparison.entrants import Entrant, parse_entrants
from munjang.comparison.gathering import gather
from munjang.comparison.networks import settings_of
from munjang.comparison.page import write_page
from munjang.comparison.parts import cut, digest, write_parts
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
from munjang.comparison.statistics import Metric
from munjang.config import merge, parse_overrides, read_yaml
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.recipe import make_recipe, script_of

Say = Callable[[str], None]
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
        OSError: the disk is full, and likewise.
    """
    say, folder = say or _silent, Path(out)
    entrants = parse_entrants(_listed(models), None if tokenizers is None else _listed(tokenizers))
    spend, chosen = parse_budget(budget), _check_numbers(seeds, metric)
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    given = _given(config, overrides, chosen, reading)
    refuse_occupied(folder, resume=resume, overwrite=overwrite)
    parts = _cut((data, valid, test), given, say)
    given = _of_networks(given)
    _check_settings(entrants, given, parts["train"].texts)
    plan = Plan(entrants, seeds, spend, chosen, given, digest(parts))
    open_plan(folder, plan, resume=resume)
    write_parts(parts, folder / DATA)
    comparison = gather(plan, folder, _run_all(plan, folder, say))
    comparison.write()
    write_page(comparison)
    return comparison


def _given(
    config: str | Path | Mapping[str, Any] | None,
    overrides: Iterable[str],
    metric: Metric,
    reading: Mapping[str, Any],
) -> dict[str, Any]:
    """What the person set, nested as in `config.yaml`."""
    base = read_yaml(config) if isinstance(config, str | Path) else dict(config or {})
    named = {"data": {key: value for key, value in reading.items() if value is not None}}
    given = merge(base, {"training": {"metric": metric}, **named})
    return merge(given, parse_overrides(overrides))


def _cut(sources: tuple[Any, Any, Any], given: Mapping[str, Any], say: Say) -> dict[str, Table]:
    """The three parts of data, valid and test, read and cut as the settings say."""
    without_model = {key: value for key, value in given.items() if key != "model"}
    common = make_recipe("mean", "other", 0, without_model)
    if common.labels is not None:
        raise ConfigError("labels: a comparison finds the classes in DATA; leave this setting out")
    return cut(*sources, common.data, common.seed, say)


def _of_networks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of every run: it reads the parts that were cut, and has a seed of its own."""
    kept = {key: value for key, value in given.items() if key not in ("data", "seed")}
    return {**kept, "data": _COLUMNS}


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
        if record is not None and record["status"] == "done":
            say(f"{who}: done before")
        else:
            say(f"{who} ...")
            record = _run_or_stop(job, folder, f"{number - 1} of {len(todo)} runs")
            say(f"{who}: {_told(record)}")
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
    steps = "" if record["steps"] is None else f"{record['steps']:,} steps, "
    return f"{steps}{record['seconds']:.1f} s"
