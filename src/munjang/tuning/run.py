"""`tune`: trial after trial on one split; the best becomes a model folder."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from munjang.config import collect_settings, merge, parse_overrides
from munjang.config import shown as quoted
from munjang.errors import ConfigError
from munjang.folder.layout import make_folder
from munjang.folder.lock import hold_lock
from munjang.preparation import Prepared, choose_input, prepare
from munjang.pretrained.sources import open_pretrained
from munjang.progress.display import Display
from munjang.progress.showing import show_progress
from munjang.recipe import named_input, named_task, with_names
from munjang.registry import ArchitectureRow, require_architecture
from munjang.reporting import Report, discard, pluralize
from munjang.tuning.attempt import attempt
from munjang.tuning.folder import (
    RESULTS,
    open_folder,
    refuse_occupied,
    save_best,
    write_plan,
)
from munjang.tuning.parameters import Space, shown
from munjang.tuning.ranges import read_space
from munjang.tuning.results import TrialRow, Tuned, best_of
from munjang.tuning.space import flat, searched, value_of
from munjang.tuning.study import Study, need_optuna

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
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    progress: bool = True,
) -> Tuned:
    """Search for the best settings of one architecture, with Optuna.

    All trials share rows, split and tokenizer, and `training.metric` on the validation data ranks
    them. The first trial uses the default settings. A trial that is worse than the median of the
    others is pruned; if one fails, the search continues.

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
    prepared = prepare(data, valid, given, report, source=source)
    keys = set(flat(fixed))
    if prepared.pretrained is not None:
        keys |= prepared.pretrained.fixed
    tried = searched(prepared.recipe, keys, own)
    with show_progress(progress) as display, hold_lock(make_folder(folder), report):
        refuse_occupied(folder, resume=resume, overwrite=overwrite)
        search = _Tuning(prepared, folder, tried, report, display, resume=resume)
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


class _Tuning:
    """A search that is ready to run or to continue."""

    def __init__(
        self,
        prepared: Prepared,
        folder: Path,
        space: Space,
        report: Report,
        display: Display,
        *,
        resume: bool,
    ) -> None:
        recipe = prepared.recipe
        self.prepared = prepared
        self.folder = folder
        self.space = space
        self.report = report
        self.display = display
        self.metric = recipe.training.metric
        self.defaults = {key: value_of(recipe, key) for key in space}
        plan = {
            "run": hashlib.sha256(prepared.fingerprint.encode()).hexdigest(),
            "space": {key: part.to_json() for key, part in space.items()},
            "metric": self.metric,
            "seed": recipe.seed,
        }
        known = open_folder(folder, plan, resume=resume)
        self.study = Study(folder, self.metric, recipe.seed, resume=known)
        write_plan(folder, plan)

    def run(self, trials: int, seconds: float | None) -> Tuned:
        """Run trials until there are so many, or the time is over."""
        rows = self.study.rows()
        if rows:
            self.report(
                f"{pluralize(len(rows), 'trial')} {'was' if len(rows) == 1 else 'were'} done before"
            )
        try:
            while len(rows) < trials:
                self.display.count(len(rows), trials, self._best(rows))
                left = None if seconds is None else seconds - self.study.seconds
                if left is not None and left <= 0:
                    self.report(f"the time is over after {len(rows)} of {trials} trials")
                    break
                self._next(rows, trials, left)
                rows = self.study.rows()
                self._tuned(rows, {}).write()
            self.display.count(len(rows), trials, self._best(rows))
        except KeyboardInterrupt:
            self.study.stop()
            raise KeyboardInterrupt(
                f"stopped after {len(rows)} of {trials} trials; the same command with --resume "
                f"continues from {self.folder}"
            ) from None
        tuned = self._tuned(rows, self.study.importance())
        tuned.write()
        if tuned.best is None:
            first = next((row.note for row in rows if row.note), "all were pruned")
            raise ConfigError(
                f"none of {len(rows)} trials finished; the first: {first}; see "
                f"{self.folder / RESULTS}"
            )
        return tuned

    def _first(self) -> dict[str, Any]:
        """Return the first trial's values; a person's own space need not contain the defaults."""
        return {key: value for key, value in self.defaults.items() if self.space[key].holds(value)}

    def _next(self, rows: list[TrialRow], trials: int, left: float | None) -> None:
        trial = self.study.next(self.space, self._first())
        count = f"[{trial.number}/{trials}]"
        self.report(f"{count} {_shown(trial.settings)}")
        if trial.is_deadly:
            note = "the process was killed during it twice (out of memory?)"
            row, model = TrialRow(trial.number, "failed", None, trial.settings, note=note), None
        else:
            row, model = attempt(self.prepared, trial, left)
        is_best = best_of([*rows, row], self.metric) is row
        if model is not None and is_best:
            # before the study has its row: after a kill in between, the trial runs again
            save_best(self.folder, model)
        trial.end(row)
        self.report(f"{count} {self._summary(row)}{' (best so far)' if is_best else ''}")

    def _best(self, rows: list[TrialRow]) -> str:
        best = best_of(rows, self.metric)
        return "" if best is None else f"best {self.metric} {best.value:.4f}"

    def _summary(self, row: TrialRow) -> str:
        note = f": {row.note}" if row.note else ""
        value = "" if row.value is None else f" {self.metric} {row.value:.4f},"
        return f"{row.ended}{note},{value} {row.seconds:.1f} s"

    def _tuned(self, rows: list[TrialRow], importance: dict[str, float]) -> Tuned:
        space = {key: part.to_json() for key, part in self.space.items()}
        return Tuned(
            self.folder,
            self.metric,
            space,
            self.defaults,
            tuple(rows),
            importance,
            self.prepared.recipe.task,
            self.prepared.recipe.input,
        )


def _shown(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.partition('.')[2]} {shown(value)}" for key, value in settings.items())
