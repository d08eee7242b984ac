"""Several trials at once: the same trials, whatever takes long, is killed or stopped meanwhile.

The trials are made up: a function of their settings gives their values, without a training.
"""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import FolderError
from munjang.preparation import prepare
from munjang.progress.display import Display
from munjang.tuning.parameters import Space, Span
from munjang.tuning.pruning import Medians, Trial
from munjang.tuning.results import TrialRow
from munjang.tuning.runners import Outcome
from munjang.tuning.search import Search
from tests.synthetic import make_corpus

pytest.importorskip("optuna", reason="optuna (extra tune)")

SPACE: Space = {
    "training.learning_rate": Span(3e-4, 1e-2, log=True),
    "model.dropout": Span(0.0, 0.6),
}
# The sampler is random for ten trials.
TRIALS = 15


class KilledError(BaseException):
    """Stands for a kill: nothing of ours is asked before the end."""


class MadeUp:
    """Runs trials whose values are a function of their settings.

    Args:
        dies: raises this when so many trials have been waited for; None for never.
    """

    is_here = False

    def __init__(self, dies: tuple[int, BaseException] | None = None) -> None:
        self.dies = dies
        self.waited = self.most = self.running = 0
        self.stopped: list[int] = []

    def start(self, trial: Trial, seconds: float | None) -> "_Running":
        self.running += 1
        self.most = max(self.most, self.running)
        return _Running(self, trial)

    def stop(self, running: Iterable[Any]) -> None:
        self.stopped = [each.trial.number for each in running]


class _Running:
    def __init__(self, runner: MadeUp, trial: Trial) -> None:
        self.runner = runner
        self.trial = trial

    def wait(self) -> Outcome:
        self.runner.waited += 1
        if self.runner.dies is not None and self.runner.dies[0] == self.runner.waited:
            raise self.runner.dies[1]
        self.runner.running -= 1
        return made_up(self.trial)


def made_up(trial: Trial) -> Outcome:
    """Train for ten validation runs, by a formula."""
    rate, dropout = trial.settings["training.learning_rate"], trial.settings["model.dropout"]
    chances = random.Random(str(trial.settings))
    if trial.number == 4:
        return Outcome(TrialRow(trial.number, "failed", None, trial.settings, note="oh"), {})
    reached = 0.9 - 30 * abs(rate - 0.003) - 0.2 * dropout
    for tenth in range(1, 11):
        value = reached * tenth / 10 + chances.uniform(-0.02, 0.02)
        if tenth % 3 == 0 and trial.report(value, tenth / 10):
            row = TrialRow(trial.number, "pruned", value, trial.settings, steps=tenth)
            return Outcome(row, trial.reports)
    return Outcome(TrialRow(trial.number, "done", value, trial.settings, steps=10), trial.reports)


@pytest.fixture(scope="module")
def recipe() -> Any:
    given = {"input": "text", "seed": 4, "model": {"name": "mean"}}
    return prepare(make_corpus(60), None, given, lambda line: None).recipe


def search(
    recipe: Any, out: Path, runner: MadeUp, trials: int, parallel: int, *, resume: bool = False
) -> list[TrialRow]:
    out.mkdir(exist_ok=True)
    made = Search(
        recipe,
        "rows",
        out,
        SPACE,
        runner,
        parallel=parallel,
        report=lambda line: None,
        display=Display(None),
        resume=resume,
    )
    return list(made.run(trials, None).trials)


@pytest.fixture(scope="module")
def whole(recipe: Any, tmp_path_factory: pytest.TempPathFactory) -> list[TrialRow]:
    """A search of 15 trials, three at once, that nothing disturbed."""
    runner = MadeUp()
    rows = search(recipe, tmp_path_factory.mktemp("whole"), runner, TRIALS, 3)
    assert runner.most == 3
    assert {row.ended for row in rows} == {"done", "pruned", "failed"}
    return rows


@pytest.mark.parametrize("error", [KilledError(), KeyboardInterrupt()])
def test_interrupted_search_resumes_to_same_trials(
    error: BaseException, recipe: Any, whole: list[TrialRow], tmp_path: Path
) -> None:
    for at in (1, 4, 2):  # counted from where it continues
        runner = MadeUp((at, error))
        with pytest.raises(type(error)):
            search(recipe, tmp_path, runner, TRIALS, 3, resume=True)
        assert len(runner.stopped) == 3
    assert search(recipe, tmp_path, MadeUp(), TRIALS, 3, resume=True) == whole


def test_more_trials_join_a_finished_search(
    recipe: Any, whole: list[TrialRow], tmp_path: Path
) -> None:
    for trials in (7, 8, TRIALS):
        rows = search(recipe, tmp_path, MadeUp(), trials, 3, resume=True)
    assert rows == whole


def test_trial_knows_none_of_those_that_run_beside_it(
    recipe: Any, whole: list[TrialRow], tmp_path: Path
) -> None:
    """Whatever trial 12 gives, trials 13 and 14 are the same; trial 15 is the first to know it."""

    class Other(MadeUp):
        def start(self, trial: Trial, seconds: float | None) -> _Running:
            running = super().start(trial, seconds)
            if trial.number == 12:
                running.wait = lambda: Outcome(  # type: ignore[method-assign]
                    TrialRow(12, "done", 5.0, trial.settings, steps=10), {10: 5.0}
                )
            return running

    rows = search(recipe, tmp_path, Other(), TRIALS, 3)
    assert [row.settings for row in rows[:14]] == [row.settings for row in whole[:14]]
    assert rows[14].settings != whole[14].settings


def test_other_number_at_once_is_another_search(recipe: Any, tmp_path: Path) -> None:
    search(recipe, tmp_path, MadeUp(), 3, 3)
    with pytest.raises(FolderError, match=r"another number of trials at once \(--parallel\)"):
        search(recipe, tmp_path, MadeUp(), 3, 1, resume=True)


REPORTS = st.dictionaries(
    st.integers(0, 10), st.floats(-1, 1, width=32).map(lambda x: x / 3), max_size=8
)


@settings(max_examples=60)
@given(st.lists(REPORTS, max_size=9), st.lists(st.floats(-1, 1), max_size=11), st.booleans())
def test_pruning_equals_that_of_optuna(
    finished: list[dict[int, float]], values: list[float], larger: bool
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize" if larger else "minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=5),
    )
    for reports in finished:
        done = optuna.trial.create_trial(value=0.5, intermediate_values=dict(reports))
        study.add_trial(done)
    medians = Medians.of(finished, larger_is_better=larger)
    assert Medians.from_json(medians.to_json()) == medians
    trial, asked = Trial(1, {}, medians), study.ask()
    for tenth, value in enumerate(values):
        asked.report(value, tenth)
        assert trial.report(value, tenth / 10) == asked.should_prune()
