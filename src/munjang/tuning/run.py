"""`tune`: trial after trial on one split, the best of them kept as a model folder."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from munjang.config import given_settings, merge, parse_overrides
from munjang.config import shown as quoted
from munjang.errors import ConfigError
from munjang.layout import make_folder
from munjang.locks import hold
from munjang.models.registry import architecture
from munjang.preparation import Prepared, prepare
from munjang.reporting import Report, discard, pluralize
from munjang.tasks.registry import TASKS
from munjang.tuning.attempt import attempt
from munjang.tuning.folder import (
    RESULTS,
    open_folder,
    refuse_occupied,
    save_best,
    write_plan,
)
from munjang.tuning.ranges import read_space
from munjang.tuning.results import TrialRow, Tuned, best_of
from munjang.tuning.space import Space, flat, searched, shown, value_of
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
    text_column: str | None = None,
    label_column: str | None = None,
    valid: Any = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    tokenizer: str | None = None,
    vectors: Any = None,
    freeze_vectors: bool | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
) -> Tuned:
    """Search for settings of a model, with Optuna.

    All trials read the same rows, split and tokens, and are judged on the validation part by
    `training.metric`. The first takes the model's own settings. One that falls behind the median
    of the others is given up; one that fails costs its own row.

    Args:
        data: labelled text, as for `munjang.train`.
        out: folder of the search; the best model is `out/best`.
        model: name of an architecture; left out, that of `config`, else cnn.
        trials: how many, those of earlier sittings included.
        seconds: end earlier, after so many seconds of trials; the trial at that moment ends there.
        space: a YAML file or a mapping of what to search otherwise (`munjang.tuning.ranges`).
        task: as for `munjang.train`, like all that follows.
        text_column: column of texts; guessed when left out.
        label_column: column of labels; guessed when left out.
        valid: data that judges the trials; None holds out a part of `data`.
        config: a YAML file or a mapping of settings: where the search begins.
        overrides: `key=value` strings laid on top: these are fixed.
        seed: decides what is tried, and all that `munjang.train` lets it decide.
        tokenizer: name of a tokenizer.
        vectors: pretrained word vectors.
        freeze_vectors: rows found among the vectors never change.
        encoding: of text files.
        skip_bad_rows: skip and count rows that cannot be used.
        resume: go on with the search in `out`.
        overwrite: replace the search in `out`.
        report: called with lines for people.

    Raises:
        MunjangError: the data, a setting or the folder cannot be used; no trial came to its end;
            optuna is not installed.
        KeyboardInterrupt: Ctrl-C came; `resume` goes on.
    """
    report, folder = report or discard, Path(out)
    need_optuna()
    _check_numbers(trials, seconds)
    named = {
        "task": task,
        "seed": seed,
        "data": {
            "text_column": text_column,
            "label_column": label_column,
            "encoding": encoding,
            "skip_bad_rows": skip_bad_rows,
        },
        "tokenizer": {"name": tokenizer},
        "model": {"name": model},
        "vectors": {"freeze": freeze_vectors},
    }
    typed = parse_overrides(overrides)
    given = given_settings(config, named, overrides)
    _refuse_other_media(given.get("task"))
    chosen = given.get("model")
    name = str(chosen.get("name", "cnn")) if isinstance(chosen, Mapping) else "cnn"
    architecture(name)
    own, fixed = read_space(space, name)
    fixed = merge(fixed, typed)
    given = merge(given, fixed)
    refuse_occupied(folder, resume=resume, overwrite=overwrite)
    prepared = prepare(data, valid, name, given, report, vectors=vectors)
    keys = {*flat(fixed), *(() if prepared.vectors is None else ("model.dim",))}
    tried = searched(prepared.recipe, keys, own)
    with hold(make_folder(folder), report):
        refuse_occupied(folder, resume=resume, overwrite=overwrite)
        return _Tuning(prepared, folder, tried, report, resume=resume).run(trials, seconds)


def _check_numbers(trials: int, seconds: float | None) -> None:
    if trials < 1:
        raise ConfigError(f"trials: expected 1 or more, got {quoted(trials)}")
    if trials > _MOST_TRIALS:
        raise ConfigError(f"trials: expected {_MOST_TRIALS:,} or fewer, got {quoted(trials)}")
    if seconds is not None and not 0 < seconds <= _MOST_SECONDS:
        raise ConfigError(
            f"seconds: expected more than 0, up to {_MOST_SECONDS:,.0f}, got {quoted(seconds)}"
        )


def _refuse_other_media(task: object) -> None:
    row = next((row for name, row in TASKS.items() if name == task), None)
    if row is not None and row.reads != "texts":
        known = ", ".join(name for name, row in TASKS.items() if row.reads == "texts")
        raise ConfigError(f"tune searches settings of encoders of texts ({known}), not of {task}")


class _Tuning:
    """A search that is ready to go on."""

    def __init__(
        self, prepared: Prepared, folder: Path, space: Space, report: Report, *, resume: bool
    ) -> None:
        recipe = prepared.recipe
        self.prepared = prepared
        self.folder = folder
        self.space = space
        self.report = report
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
        """Try until there are so many trials, or the time is over."""
        rows = self.study.rows()
        if rows:
            self.report(
                f"{pluralize(len(rows), 'trial')} {'was' if len(rows) == 1 else 'were'} done before"
            )
        try:
            while len(rows) < trials:
                left = None if seconds is None else seconds - self.study.seconds
                if left is not None and left <= 0:
                    self.report(f"the time is over after {len(rows)} of {trials} trials")
                    break
                self._next(rows, trials, left)
                rows = self.study.rows()
                self._tuned(rows, {}).write()
        except KeyboardInterrupt:
            self.study.stop()
            raise KeyboardInterrupt(
                f"stopped after {len(rows)} of {trials} trials; the same command with --resume "
                f"goes on from {self.folder}"
            ) from None
        tuned = self._tuned(rows, self.study.importance())
        tuned.write()
        if tuned.best is None:
            first = next((row.note for row in rows if row.note), "all were pruned")
            raise ConfigError(
                f"none of {len(rows)} trials came to its end; the first: {first}; "
                f"{self.folder / RESULTS} tells of all"
            )
        return tuned

    def _first(self) -> dict[str, Any]:
        """The first trial's values; a person's own space need not hold the defaults."""
        return {key: value for key, value in self.defaults.items() if self.space[key].holds(value)}

    def _next(self, rows: list[TrialRow], trials: int, left: float | None) -> None:
        trial = self.study.next(self.space, self._first())
        count = f"[{trial.number}/{trials}]"
        self.report(f"{count} {_shown(trial.settings)}")
        if trial.is_deadly:
            note = "the process was killed at it twice (out of memory?)"
            row, model = TrialRow(trial.number, "failed", None, trial.settings, note=note), None
        else:
            row, model = attempt(self.prepared, trial, left)
        is_best = best_of([*rows, row], self.metric) is row
        if model is not None and is_best:
            # before the study knows of it: killed in between, the trial is made again
            save_best(self.folder, model)
        trial.end(row)
        self.report(f"{count} {self._told(row)}{' (best so far)' if is_best else ''}")

    def _told(self, row: TrialRow) -> str:
        note = f": {row.note}" if row.note else ""
        value = "" if row.value is None else f" {self.metric} {row.value:.4f},"
        return f"{row.ended}{note},{value} {row.seconds:.1f} s"

    def _tuned(self, rows: list[TrialRow], importance: dict[str, float]) -> Tuned:
        space = {key: part.to_json() for key, part in self.space.items()}
        return Tuned(self.folder, self.metric, space, self.defaults, tuple(rows), importance)


def _shown(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.partition('.')[2]} {shown(value)}" for key, value in settings.items())
