"""`tune`: many trials on one split; the best becomes a model folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from munjang.cluster.connect import connect_if
from munjang.config import collect_settings, merge, parse_overrides
from munjang.config import shown as quoted
from munjang.errors import ConfigError
from munjang.folder.layout import make_folder
from munjang.folder.lock import hold_lock
from munjang.preparation import choose_input, prepare
from munjang.pretrained.sources import open_pretrained
from munjang.progress.showing import show_progress
from munjang.recipe import named_input, named_task, with_names
from munjang.registry import ArchitectureRow, require_architecture
from munjang.reporting import Report, discard
from munjang.tuning.folder import refuse_occupied
from munjang.tuning.places import Place
from munjang.tuning.ranges import read_space
from munjang.tuning.results import Tuned
from munjang.tuning.search import Search
from munjang.tuning.sources import plain_settings, to_plain
from munjang.tuning.space import flat, searched
from munjang.tuning.study import need_optuna
from munjang.tuning.worker import digest

_MOST_TRIALS, _MOST_SECONDS = 10**5, 1e8


def tune(
    data: Any,
    *,
    out: str | Path,
    model: str | None = None,
    trials: int = 30,
    seconds: float | None = None,
    space: str | Path | Mapping[str, Any] | None = None,
    task: str | None = None,
    input: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    valid: Any = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    seed: int | None = None,
    tokenizer: str | None = None,
    vectors: Any = None,
    freeze_vectors: bool | None = None,
    from_folder: Any = None,
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    parallel: int | None = None,
    cluster: str | None = None,
    cores: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    progress: bool = True,
) -> Tuned:
    """Search for the best settings of one architecture, with Optuna.

    All trials share rows, split and tokenizer, and `training.metric` on the validation data ranks
    them. The first trial uses the default settings. A trial that is worse than the median of the
    others is pruned; if one fails, the search continues.

    With K trials at once, trial n begins when trial n - K has ended, and knows the first n - K
    trials. So the same K gives the same trials on one machine and on a cluster.

    Args:
        data: Data to train on, as for `munjang.train`.
        out: Folder of the search to write; the best model is `out/best`.
        model: Name of an architecture, as for `munjang.train`.
        trials: Number of trials, including those before `resume`.
        seconds: Time limit of all trials together; the trial at that moment ends there.
        space: Search space instead of the built-in one: a YAML file or a mapping
            (`munjang.tuning.ranges`).
        task: Name of the task, as for `munjang.train`.
        input: Kind of data, as for `munjang.train`.
        text_column: Column of the texts; inferred if omitted.
        label_column: Column of the labels or numbers; inferred if omitted.
        first_column: Column of the first texts, for the input two_texts; inferred if omitted.
        second_column: Column of the second texts, for the input two_texts; inferred if omitted.
        source_column: Column of the source texts, for translate; inferred if omitted.
        target_column: Column of the target texts, for translate; inferred if omitted.
        valid: Validation data, which scores the trials; a tenth of `data` if omitted.
        config: Settings from which the search starts: a YAML file or a mapping.
        overrides: Settings that are fixed, nested as in `config.yaml`, or `key=value` strings.
        seed: Random seed of the sampler and of every training.
        tokenizer: Name of a tokenizer, as for `munjang.train`.
        vectors: Pretrained word vectors, as for `munjang.train`.
        freeze_vectors: Do not train the embeddings of words that `vectors` has.
        from_folder: Model folder to begin from, as for `munjang.train`.
        encoding: Encoding of text files.
        skip_bad_rows: Skip and count unusable rows instead of raising.
        parallel: Number of trials at once, each in a process of its own, which reads the data from
            its files; defaults to 1, on a cluster to as many as it has cores for.
        cluster: Address of a Ray cluster whose nodes share the data and `out`, HOST:PORT or `auto`.
        cores: CPU cores, and threads, of each of several trials at once; 1 if omitted.
        resume: Continue the search in `out`.
        overwrite: Replace the search in `out`.
        report: Function called with notes.
        progress: Show a bar of the trials in a notebook or on a terminal, as `munjang.train` does.

    Returns:
        All trials, the best one, and the importance of each setting.

    Raises:
        MunjangError: The data, a setting or the folder cannot be used; no trial finished; optuna
            is not installed.
        KeyboardInterrupt: Ctrl-C was pressed; `resume` continues.

    Example:
        >>> tuned = munjang.tune("reviews.tsv", model="cnn", trials=10, out="tuned")
        >>> tuned.best.settings["model.dim"]
        64
    """
    report, folder = report or discard, Path(out)
    need_optuna()
    _check_numbers(trials, seconds)
    place = Place(cluster, parallel, cores).resolve(folder, resume=resume)
    files = {} if place.is_here else {"data": to_plain(data), "valid": to_plain(valid)}
    named = {
        "task": task,
        "input": input,
        "seed": seed,
        "data": {
            "text_column": text_column,
            "label_column": label_column,
            "first_column": first_column,
            "second_column": second_column,
            "source_column": source_column,
            "target_column": target_column,
            "encoding": encoding,
            "skip_bad_rows": skip_bad_rows,
        },
        "tokenizer": {"name": tokenizer},
        "model": {"name": model},
        "pretrained": {"freeze": freeze_vectors},
    }
    typed = parse_overrides(overrides)
    given = choose_input(merge(collect_settings(config, named), typed), data, report)
    given = with_names(open_pretrained(given, vectors=vectors, folder=from_folder)[1])
    own, fixed = read_space(space, _architecture_of(given))
    fixed = merge(fixed, typed)
    # opened again, as what is fixed may contradict the weights
    source, given = open_pretrained(merge(given, fixed), vectors=vectors, folder=from_folder)
    refuse_occupied(folder, resume=resume, overwrite=overwrite)
    shared = {**files, "given": plain_settings(given)} if files else {}
    with connect_if(cluster):
        prepared = prepare(data, valid, given, report, source=source)
        keys = set(flat(fixed))
        if prepared.pretrained is not None:
            keys |= prepared.pretrained.fixed
        tried = searched(prepared.recipe, keys, own)
        run = digest(prepared)
        with show_progress(progress) as display, hold_lock(make_folder(folder), report):
            refuse_occupied(folder, resume=resume, overwrite=overwrite)
            runner, at_once = place.open(prepared, folder, {**shared, "run": run}, report)
            search = Search(
                prepared.recipe,
                run,
                folder,
                tried,
                runner,
                parallel=at_once,
                report=report,
                display=display,
                resume=resume,
            )
            return search.run(trials, seconds)


def _architecture_of(given: Mapping[str, Any]) -> ArchitectureRow:
    """Return the architecture that settings name, or the default of their input."""
    name = with_names(given)["model"]["name"]
    return require_architecture(name, named_input(given).name, named_task(given))


def _check_numbers(trials: int, seconds: float | None) -> None:
    if trials < 1:
        raise ConfigError(f"trials: expected 1 or more, got {quoted(trials)}")
    if trials > _MOST_TRIALS:
        raise ConfigError(f"trials: expected {_MOST_TRIALS:,} or fewer, got {quoted(trials)}")
    if seconds is not None and not 0 < seconds <= _MOST_SECONDS:
        raise ConfigError(
            f"seconds: expected more than 0, up to {_MOST_SECONDS:,.0f}, got {quoted(seconds)}"
        )
