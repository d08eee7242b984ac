"""The search: trials begin in order, several at once, and are judged in order."""

import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from munjang.errors import ConfigError
from munjang.progress.display import Display
from munjang.recipe import Recipe
from munjang.reporting import Report, pluralize
from munjang.tuning.folder import (
    RESULTS,
    clear_trials,
    open_folder,
    save_best,
    write_plan,
)
from munjang.tuning.parameters import Space, shown
from munjang.tuning.pruning import Trial
from munjang.tuning.results import TrialRow, Tuned, best_of
from munjang.tuning.runners import Outcome, Runner, Running
from munjang.tuning.space import value_of
from munjang.tuning.study import Study


class Search:
    """A search that is ready to run or to continue.

    Trial n begins when trial n - K has been judged, however many have ended by then, so that what
    it knows does not depend on the speed of the machines.

    Args:
        recipe: What all trials share.
        run: What identifies rows and fixed settings.
        folder: Its folder.
        space: The search space.
        runner: Runs the trials.
        parallel: K, how many trials run at once.
        report: Called with lines for people.
        display: Shows how many trials are done.
        resume: Continue the search that is there.
    """

    def __init__(
        self,
        recipe: Recipe,
        run: str,
        folder: Path,
        space: Space,
        runner: Runner,
        *,
        parallel: int,
        report: Report,
        display: Display,
        resume: bool,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.space = space
        self.runner = runner
        self.parallel = parallel
        self.report = report
        self.display = display
        self.metric = recipe.training.metric
        self.defaults = {key: value_of(recipe, key) for key in space}
        plan = {
            "run": run,
            "space": {key: part.to_json() for key, part in space.items()},
            "metric": self.metric,
            "seed": recipe.seed,
            "parallel": parallel,
        }
        known = open_folder(folder, plan, resume=resume)
        self.study = Study(folder, self.metric, recipe.seed, resume=known)
        write_plan(folder, plan)
        self._rows = self.study.rows()
        clear_trials(folder, len(self._rows))
        self._running: deque[tuple[Trial, Running]] = deque()
        self._began, self._before = time.monotonic(), self.study.seconds
        self._wanted = len(self._rows)

    def run(self, trials: int, seconds: float | None) -> Tuned:
        """Run trials until there are so many, or the time is over."""
        self._wanted = trials
        if self._rows:
            count = len(self._rows)
            self.report(
                f"{pluralize(count, 'trial')} {'was' if count == 1 else 'were'} done before"
            )
            self._tuned({}, is_finished=False).write()  # the results there say that it is finished
        try:
            while len(self._rows) < trials:
                self.display.count(len(self._rows), trials, self._best())
                self._fill(trials, seconds)
                if not self._running:
                    self.report(f"the time is over after {len(self._rows)} of {trials} trials")
                    break
                self._end_first(trials)
            self.display.count(len(self._rows), trials, self._best())
        except BaseException as error:
            self.runner.stop([running for _, running in self._running])
            if not isinstance(error, KeyboardInterrupt):
                raise
            self.study.stop()
            raise KeyboardInterrupt(
                f"stopped after {len(self._rows)} of {trials} trials; the same command with "
                f"--resume continues from {self.folder}"
            ) from None
        return self._finish()

    def _fill(self, trials: int, seconds: float | None) -> None:
        """Begin trials until K of them run, or all have begun, or the time is over."""
        while len(self._running) < min(self.parallel, trials - len(self._rows)):
            left = None if seconds is None else seconds - self._seconds()
            if left is not None and left <= 0:
                return
            number = len(self._rows) + len(self._running) + 1
            known = max(0, number - self.parallel)
            trial = self.study.begin(number, known, self.space, self._first())
            self.report(f"[{number}/{trials}] {_shown(trial.settings)}")
            self._running.append((trial, self._start(trial, left)))

    def _seconds(self) -> float:
        """Return the seconds of the search so far, earlier sessions included."""
        if self.parallel == 1:
            return self.study.seconds
        return self._before / self.parallel + time.monotonic() - self._began

    def _start(self, trial: Trial, left: float | None) -> Running:
        if self.runner.is_here and self.study.is_deadly(trial.number):
            return _GivenUp(trial)
        return self.runner.start(trial, left)

    def _first(self) -> dict[str, Any]:
        """Return the first trial's values; a person's own space need not contain the defaults."""
        return {key: value for key, value in self.defaults.items() if self.space[key].holds(value)}

    def _end_first(self, trials: int) -> None:
        """Wait for the trial that began first, and judge it."""
        trial, running = self._running[0]
        outcome = running.wait()
        row, trial.reports = outcome.row, outcome.reports
        is_best = best_of([*self._rows, row], self.metric) is row
        if outcome.save is not None and is_best:
            # before the study has its row: after a kill in between, the trial runs again
            save_best(self.folder, outcome.save)
        self.study.tell(trial, row)
        self._running.popleft()
        best = " (best so far)" if is_best else ""
        self.report(f"[{trial.number}/{trials}] {self._summary(row)}{best}")
        self._rows = self.study.rows()
        clear_trials(self.folder, trial.number)
        self._tuned({}, is_finished=False).write()

    def _finish(self) -> Tuned:
        """Write the results, with the importance of the settings."""
        tuned = self._tuned(self.study.importance(), is_finished=True)
        tuned.write()
        if tuned.best is None:
            first = next((row.note for row in self._rows if row.note), "all were pruned")
            raise ConfigError(
                f"none of {len(self._rows)} trials finished; the first: {first}; see "
                f"{self.folder / RESULTS}"
            )
        return tuned

    def _best(self) -> str:
        best = best_of(self._rows, self.metric)
        return "" if best is None else f"best {self.metric} {best.value:.4f}"

    def _summary(self, row: TrialRow) -> str:
        note = f": {row.note}" if row.note else ""
        value = "" if row.value is None else f" {self.metric} {row.value:.4f},"
        return f"{row.ended}{note},{value} {row.seconds:.1f} s"

    def _tuned(self, importance: dict[str, float], *, is_finished: bool) -> Tuned:
        space = {key: part.to_json() for key, part in self.space.items()}
        return Tuned(
            self.folder,
            self.metric,
            space,
            self.defaults,
            tuple(self._rows),
            importance,
            self.recipe.task,
            self.recipe.input,
            self._wanted,
            is_finished,
        )


class _GivenUp:
    """A trial that is not tried again."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def wait(self) -> Outcome:
        note = "the process was killed during it twice (out of memory?)"
        row = TrialRow(self._trial.number, "failed", None, self._trial.settings, note=note)
        return Outcome(row, {})


def _shown(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.partition('.')[2]} {shown(value)}" for key, value in settings.items())
