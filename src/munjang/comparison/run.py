"""`compare`: every model on the same data, each run in a process of its own, and the results."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from munjang.cluster.connect import connect_if
from munjang.comparison.budget import parse_budget
from munjang.comparison.candidates import Candidate, parse_candidates
from munjang.comparison.contests import contest_name, contest_of
from munjang.comparison.contests.contest import Contest, Sources
from munjang.comparison.folder import DATA
from munjang.comparison.gather import gather
from munjang.comparison.margins import margin_of
from munjang.comparison.networks import settings_of
from munjang.comparison.page import write_page
from munjang.comparison.plan import Plan, open_plan, refuse_occupied
from munjang.comparison.results import Comparison
from munjang.comparison.runs import run_all, wait_for_runs
from munjang.comparison.starts import candidates_from
from munjang.config import collect_settings, merge, parse_overrides, shown
from munjang.errors import ConfigError
from munjang.folder.layout import make_folder
from munjang.folder.lock import hold_lock
from munjang.preparation import choose_input
from munjang.pretrained.sources import open_pretrained
from munjang.progress.showing import show_progress
from munjang.reporting import Report, discard

_MOST_SEEDS, _MOST_CORES = 1000, 1024


def compare(
    data: Any,
    *,
    out: str | Path,
    task: str | None = None,
    input: str | None = None,
    models: str | Sequence[str] = "all",
    tokenizers: str | Sequence[str] | None = None,
    from_folder: str | Path | Sequence[str | Path] = (),
    budget: str = "60s",
    seeds: int = 3,
    metric: str | None = None,
    margin: float | None = None,
    valid: Any = None,
    test: Any = None,
    text_column: str | None = None,
    label_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    cluster: str | None = None,
    cores: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    progress: bool = True,
) -> Comparison:
    """Compare models on the same data, split, budget and seeds.

    Every run is a process of its own; if one fails, the others continue. `out` then holds every
    trained model, compare.json, compare.csv and compare.html.

    Args:
        data: Data to train on, as for `munjang.train`.
        out: Folder of the comparison to write.
        task: Name of the task, as for `munjang.train`.
        input: Kind of data, as for `munjang.train`.
        models: `all`, or names of architectures and baselines: a sequence, or a string with commas.
        tokenizers: Names of tokenizers to train the one architecture in `models` with.
        from_folder: Model folders: for each, a model of its architecture that begins from it
            (`munjang.train`) is compared too.
        budget: Budget per training, such as "60s", "5m", "2M tokens" or, for images, "20k images".
        seeds: Number of runs per architecture, with seeds from 0; baselines run once.
        metric: Metric that ranks the models, one of `metrics` of the task's contest; defaults to
            its first.
        margin: How far behind the best a model is still good enough, in the unit of the metric.
            Defaults to 1% of the range of the metric; to 0.01 of R2, 0.02 of log loss and of bits;
            for MAE and RMSE to 1% of the standard deviation of the training numbers.
        valid: Validation data, which selects checkpoints; a tenth of `data` if omitted.
        test: Test data, which all models are scored on; a tenth of `data` if omitted.
        text_column: Column of the texts; inferred if omitted.
        label_column: Column of the labels or numbers; inferred if omitted.
        first_column: Column of the first texts, for the input two_texts; inferred if omitted.
        second_column: Column of the second texts, for the input two_texts; inferred if omitted.
        source_column: Column of the source texts, for translate; inferred if omitted.
        target_column: Column of the target texts, for translate; inferred if omitted.
        config: Settings of all architectures: a YAML file or a mapping.
        overrides: Settings that win over `config`, nested as in `config.yaml`, or `key=value`
            strings.
        encoding: Encoding of text files.
        skip_bad_rows: Skip and count unusable rows instead of raising.
        cluster: Address of a Ray cluster whose nodes share `out`, HOST:PORT or `auto`: as many runs
            at once as it has cores for. Omit it to run one after another here.
        cores: CPU cores, and threads, of each run on a cluster; 1 if omitted.
        resume: Continue the comparison in `out`; failed runs are tried again.
        overwrite: Replace the comparison in `out`.
        report: Function called with notes.
        progress: Show a bar of the runs in a notebook or on a terminal, as `munjang.train` does.

    Returns:
        All runs, the ranking and the choice.

    Raises:
        MunjangError: The data, a setting, a name or the folder cannot be used.
        KeyboardInterrupt: Ctrl-C was pressed; finished runs stay, and `resume` continues.
        OSError: The disk is full; finished runs stay, and `resume` continues.

    Example:
        >>> comparison = munjang.compare("reviews.tsv", models="mean,nbsvm", out="compared")
        >>> [row.name for row in comparison.standings]
        ['mean', 'nbsvm']
    """
    report, folder = report or discard, Path(out)
    each = _check_cores(cores, cluster)
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "first_column": first_column,
        "second_column": second_column,
        "source_column": source_column,
        "target_column": target_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    typed = parse_overrides(overrides)
    given = collect_settings(config, {"task": task, "input": input, "data": reading})
    named = choose_input(merge(given, typed), data, report)
    name = contest_name(named)
    contest = contest_of(name)
    # mistakes are reported before the data is read
    crossed = None if tokenizers is None else _listed(tokenizers)
    folders = [from_folder] if isinstance(from_folder, str | Path) else from_folder
    if folders and (reason := contest.refused.get("from")):
        raise ConfigError(f"from: {reason}; leave it out")
    candidates = (
        *parse_candidates(_listed(models), crossed, name),
        *candidates_from(folders, contest.named(merge(given, typed))),
    )
    spend, chosen = parse_budget(budget, contest.unit), contest.deciding_metric(metric)
    margin_of(chosen, margin)
    _check_seeds(seeds)
    refuse_occupied(folder, resume=resume, overwrite=overwrite)
    given = {**given, "input": named["input"]}
    given = merge(merge(given, {"training": {"metric": chosen}}), typed)
    with connect_if(cluster):
        parts = contest.split(Sources(data, valid, test), given, report)
        allowed = margin_of(chosen, margin, contest.margin_unit(parts))
        given = contest.settings(given, parts)
        _check_candidates(candidates, contest, given, parts)
        plan = Plan(name, candidates, seeds, spend, chosen, given, contest.digest(parts), allowed)
        with show_progress(progress) as display, hold_lock(make_folder(folder), report):
            refuse_occupied(folder, resume=resume, overwrite=overwrite)
            wait_for_runs(folder)
            open_plan(folder, plan, resume=resume)
            contest.write(parts, folder / DATA)
            comparison = gather(plan, folder, run_all(plan, folder, report, display, each))
            comparison.write()
            write_page(comparison)
    return comparison


def _listed(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ",".join(names)


def _check_candidates(
    candidates: Iterable[Candidate], contest: Contest, given: Mapping[str, Any], parts: Any
) -> None:
    """Refuse settings that an architecture cannot take, once instead of in every run."""
    for candidate in candidates:
        if not candidate.is_baseline:
            _, settings = open_pretrained(settings_of(candidate, 0, given))
            contest.check(candidate.model, settings, parts)


def _check_seeds(seeds: int) -> None:
    if seeds < 1:
        raise ConfigError(f"seeds: expected 1 or more, got {shown(seeds)}")
    if seeds > _MOST_SEEDS:
        raise ConfigError(f"seeds: expected {_MOST_SEEDS:,} or fewer, got {shown(seeds)}")


def _check_cores(cores: int | None, cluster: str | None) -> int | None:
    """Return the cores of each run on a cluster, 1 if not given; None without a cluster."""
    if cluster is None and cores is not None:
        raise ConfigError("cores: these are those of each run on a cluster; give cluster too")
    if cores is not None and not 1 <= cores <= _MOST_CORES:
        raise ConfigError(f"cores: expected 1 to {_MOST_CORES:,}, got {shown(cores)}")
    return None if cluster is None else cores or 1
