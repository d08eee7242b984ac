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
from munjang.recipe import named_input, named_task, with_names
from munjang.registry import require_architecture
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
    source_column: str | None = None,
    target_column: str | None = None,
    valid: Any = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
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

    All trials share rows, split and tokens, and are scored on the validation part by
    `training.metric`. The first takes the model's own settings. One that is worse than the median
    of the others is pruned; one that fails costs its own row.

    Args:
        data: Labeled text, images or pairs of texts, as for `munjang.train`.
        out: Folder of the search; the best model is `out/best`.
        model: Name of an architecture; defaults to that of `config`, else to that of
            `munjang.train`.
        trials: How many trials, those of earlier sessions included.
        seconds: Time limit of all trials; the trial at that moment ends there.
        space: A YAML file or a mapping of what to search otherwise (`munjang.tuning.ranges`).
        task: Name of the task, as for `munjang.train`.
        input: What a row is; inferred from task, model and data if omitted.
        text_column: Column of texts; guessed if left out.
        label_column: Column of labels; guessed if left out.
        source_column: Column of the sources of pairs; guessed if left out.
        target_column: Column of the targets of pairs; guessed if left out.
        valid: Data that scores the trials; None holds out a part of `data`.
        config: A YAML file or a mapping of settings: where the search begins.
        overrides: Settings that are fixed, nested as in `config.yaml`, or `key=value` strings.
        seed: Seed of the sampler and of every training.
        tokenizer: Name of a tokenizer.
        vectors: Pretrained word vectors.
        freeze_vectors: Do not train rows found among the vectors.
        encoding: Encoding of text files.
        skip_bad_rows: Skip and count rows that cannot be used.
        resume: Continue the search in `out`.
        overwrite: Replace the search in `out`.
        say: Called with lines for people.

    Raises:
        MunjangError: The data, a setting or the folder cannot be used; no trial finished; optuna
            is not installed.
        KeyboardInterrupt: Ctrl-C was pressed; `resume` continues.
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
            "source_column": source_column,
            "target_column": target_column,
            "encoding": encoding,
            "skip_bad_rows": skip_bad_rows,
        },
        "tokenizer": {"name": tokenizer},
        "model": {"name": model},
        "pretrained": {"freeze": freeze_vectors},
    }
    typed = dict(overrides) if isinstance(overrides, Mapping) else parse_overrides(overrides)
    given = merge(collect_settings(config, named), typed)
    given = with_names(choose_input(given, data, report))
    kind = named_input(given)
    architecture = require_architecture(given["model"]["name"], kind.name, named_task(given))
    own, fixed = read_space(space, architecture)
    fixed = merge(fixed, typed)
    given = merge(given, fixed)
    refuse_occupied(folder, resume=resume, overwrite=overwrite)
    prepared = prepare(data, valid, given, report, vectors=vectors)
    keys = set(flat(fixed))
    if prepared.pretrained is not None:
        keys.add("model.dim")
    tried = searched(prepared.recipe, keys, own)
    with hold_lock(make_folder(folder), report):
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


class _Tuning:
    """A search that is ready to run or to continue."""

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
        """Run trials until there are so many, or the time is over."""
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
