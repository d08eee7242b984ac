"""A search from Python: the same seed, the same trials, whatever happens to some of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.api import evaluate, load
from munjang.errors import ConfigError, FolderError, MunjangError
from munjang.tuning import run as tuning_run
from munjang.tuning import study as tuning_study
from munjang.tuning.results import TrialRow, Tuned
from munjang.tuning.run import tune
from tests.made import made_corpus

pytest.importorskip("optuna", reason="optuna (extra tune)")
pytestmark = pytest.mark.usefixtures("one_thread")

FIXED = ("training.threads=1", "training.batch_size=16", "model.ngrams=1", "training.epochs=2")
Attempt = Callable[..., Any]


def search(out: Path, trials: int = 4, **more: Any) -> Tuned:
    options: dict[str, Any] = {"model": "mean", "overrides": FIXED, "seed": 3, **more}
    data = options.pop("data", made_corpus(90))
    return tune(data, out=out, trials=trials, **options)


def told(tuned: Tuned) -> list[tuple[Any, ...]]:
    """All of the trials but their seconds."""
    return [(r.number, r.ended, r.value, r.settings, r.steps, r.note) for r in tuned.trials]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """A search that nothing disturbed."""
    return search(tmp_path_factory.mktemp("whole") / "out", 5)


def test_the_best_trial_is_a_model_that_answers(whole: Tuned) -> None:
    best = whole.best
    assert best is not None
    assert best.value == max(row.value or 0.0 for row in whole.trials if row.ended == "done")
    model = load(whole.folder / "best")
    assert model.metrics["validation"]["accuracy"] == best.value
    assert model.predict("a great film")[0].label in ("bad", "good", "so-so")
    assert evaluate(whole.model, made_corpus(30, seed=5)).rows == 30
    for key, value in best.settings.items():
        section, name = key.split(".")
        assert getattr(getattr(model.recipe, section), name) == pytest.approx(value)
    assert model.recipe.training.max_seconds is None
    kept = json.loads((whole.folder / "tune.json").read_text())
    assert kept["best"]["number"] == best.number
    assert [row["number"] for row in kept["trials"]] == [1, 2, 3, 4, 5]


def test_the_first_trial_takes_the_models_own_settings(whole: Tuned) -> None:
    assert whole.trials[0].settings == whole.defaults
    assert whole.defaults["model.dim"] == 32
    assert len({json.dumps(row.settings) for row in whole.trials}) == 5


def test_what_is_fixed_stays(whole: Tuned) -> None:
    for row in whole.trials:
        assert not {"training.epochs", "training.batch_size", "model.ngrams"} & row.settings.keys()
        assert row.epochs == 2


def test_the_same_seed_makes_the_same_trials(whole: Tuned, tmp_path: Path) -> None:
    again = search(tmp_path / "again", 5)
    assert told(again) == told(whole)
    texts = made_corpus(9)[0]
    np.testing.assert_array_equal(
        again.model.predict_proba(texts), whole.model.predict_proba(texts)
    )
    other = search(tmp_path / "other", 2, seed=2**31 - 1)
    assert told(other)[1][3] != told(whole)[1][3]


def breaking_at(number: int, error: BaseException) -> Attempt:
    real = tuning_run.attempt

    def attempt(prepared: Any, trial: Any, seconds: Any) -> Any:
        if trial.number == number:
            raise error
        return real(prepared, trial, seconds)

    return attempt


class KilledError(BaseException):
    """Stands for a kill: nothing of ours is asked before the end."""


@pytest.mark.parametrize(("at", "error"), [(1, KilledError()), (4, KeyboardInterrupt())])
def test_a_search_that_was_broken_off_goes_on_as_if_it_was_not(
    at: int, error: BaseException, whole: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(tuning_run, "attempt", breaking_at(at, error))
        with pytest.raises(type(error)) as stopped:
            search(out, 5)
    if isinstance(error, KeyboardInterrupt):
        assert f"stopped after {at - 1} of 5 trials" in str(stopped.value)
        assert f"--resume continues from {out}" in str(stopped.value)
    with pytest.raises(FolderError, match="--resume continues"):
        search(out, 5)
    lines: list[str] = []
    assert told(search(out, 5, resume=True, report=lines.append)) == told(whole)
    assert ("3 trials were done before" in lines) == (at == 4)
    assert told(search(out, 5, resume=True)) == told(whole)  # there is nothing left to do


@pytest.mark.parametrize("error", [KilledError(), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [1, 4])
def test_a_trial_that_was_judged_counts_though_optuna_was_not_told(
    at: int, error: BaseException, whole: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conclude, left = tuning_study.Study._conclude, [at]

    def dies(self: Any, trial: Any, **judged: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise error
        conclude(self, trial, **judged)

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(tuning_study.Study, "_conclude", dies)
        with pytest.raises(type(error)):
            search(out, 5)
    lines: list[str] = []
    assert told(search(out, 5, resume=True, report=lines.append)) == told(whole)
    assert any(line.startswith(f"{at} trial") for line in lines)


def test_a_trial_at_which_the_process_dies_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tuning_run, "attempt", breaking_at(2, KilledError()))
        for resume in (False, True):
            with pytest.raises(KilledError):
                search(tmp_path, 3, resume=resume)
        tuned = search(tmp_path, 3, resume=True)
    assert [row.ended for row in tuned.trials] == ["done", "failed", "done"]
    assert "killed during it twice" in tuned.trials[1].note


def test_trials_that_fail_cost_their_own_row(tmp_path: Path) -> None:
    space = {
        "model.dim": [8, 10**13],
        "training.learning_rate": [0.01, 1e30],
        "training.embedding_learning_rate": 0.01,
    }
    overrides = (*FIXED, "model.dropout=0.0", "model.token_dropout=0.0", "model.combiner=mean")
    tuned = search(tmp_path, 9, space=space, overrides=overrides)
    notes = {
        (row.settings["model.dim"] > 8, row.settings["training.learning_rate"] > 1): row
        for row in tuned.trials
    }
    assert len(notes) == 4
    assert notes[False, False].ended == "done"
    assert notes[True, False].note == "out of memory"
    assert notes[False, True].note.startswith("training.learning_rate: training diverged at step")
    assert {row.ended for row in tuned.trials} == {"done", "failed"}
    assert load(tmp_path / "best").recipe.model.dim == 8


def test_when_all_fail_the_first_reason_is_told(tmp_path: Path) -> None:
    space = {"training.learning_rate": {"low": 1e29, "high": 1e30}}
    with pytest.raises(ConfigError, match=r"none of 2 trials finished; .*tune\.json"):
        search(tmp_path, 2, space=space)
    assert json.loads((tmp_path / "tune.json").read_text())["best"] is None


def test_bugs_are_not_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        raise TypeError("a bug")

    monkeypatch.setattr("munjang.tuning.attempt.fit", broken)
    with pytest.raises(TypeError, match="a bug"):
        search(tmp_path, 2)


def test_trials_behind_the_median_are_pruned(tmp_path: Path) -> None:
    # a step size that learns nothing, often tried beside one that does
    overrides = [
        *(setting for setting in FIXED if "epochs" not in setting),
        *("training.epochs=5", "model.dim=8", "training.embedding_learning_rate=0.02"),
    ]
    space = {"training.learning_rate": [1e-6, 0.02], "training.schedule": "constant"}
    tuned = search(tmp_path, 10, space=space, overrides=overrides)
    pruned = [row for row in tuned.trials if row.ended == "pruned"]
    assert pruned
    for row in pruned:
        assert 2 <= row.epochs < 5
        assert row.note == "behind the median"
        assert row.value is not None
    assert all(row.ended == "done" for row in tuned.trials[:5])  # nothing to compare with
    assert sum(tuned.importance.values()) in (0, pytest.approx(1.0))


def test_a_metric_that_should_be_small_is_made_small(tmp_path: Path) -> None:
    texts, labels = made_corpus(90)
    numbers = [str(("bad", "so-so", "good").index(label)) for label in labels]
    tuned = search(tmp_path, 3, data=(texts, numbers), task="regress")
    best = tuned.best
    assert tuned.metric in ("rmse", "mae")
    assert best is not None
    assert best.value == min(row.value for row in tuned.trials if row.value is not None)
    assert load(tmp_path / "best").metrics["validation"][tuned.metric] == best.value


def test_the_time_ends_the_search_and_the_last_trial_counts(tmp_path: Path) -> None:
    overrides = [*(s for s in FIXED if "epochs" not in s), "training.epochs=100000"]
    tuned = search(tmp_path, 5, seconds=0.5, overrides=overrides)
    assert len(tuned.trials) == 1
    assert tuned.trials[0].ended == "done"
    assert tuned.trials[0].note.startswith("ended at step ")
    assert load(tmp_path / "best").recipe.training.max_seconds == pytest.approx(0.5)
    lines: list[str] = []
    search(tmp_path, 5, seconds=0.5, overrides=overrides, resume=True, report=lines.append)
    assert "the time is over after 1 of 5 trials" in lines


def test_vectors_decide_the_width(tmp_path: Path) -> None:
    file = tmp_path / "words.vec"
    file.write_text("film 1 2 3 4\ngreat 0 1 0 1\nawful -1 0 1 0\n")
    tuned = search(tmp_path / "out", 2, vectors=file, freeze_vectors=True)
    assert "model.dim" not in tuned.space
    assert load(tmp_path / "out" / "best").recipe.model.dim == 4


def test_a_config_is_where_the_search_begins(tmp_path: Path, whole: Tuned) -> None:
    tuned = search(tmp_path, 1, config=whole.folder / "best" / "config.yaml", overrides=())
    assert whole.best is not None
    assert tuned.trials[0].settings == {**tuned.defaults, **whole.best.settings}
    assert tuned.trials[0].value == whole.best.value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trials": 0}, "trials: expected 1 or more, got 0"),
        ({"seconds": 0}, "seconds: expected more than 0"),
        ({"model": "cnm"}, "unknown model 'cnm'; did you mean 'cnn'"),
        ({"space": "none.yaml"}, "none.yaml: cannot read"),
        ({"overrides": ["model.dimm=3"]}, "did you mean 'dim'"),
        ({"overrides": ["model=3"]}, "model: expected settings"),
        ({"space": {"model.dim": [8, 9]}, "overrides": ["model.dim=8"]}, "--set fixes it"),
    ],
)
def test_mistakes_leave_no_folder(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(MunjangError, match=message):
        search(tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_other_data_or_a_damaged_study_is_refused(tmp_path: Path) -> None:
    search(tmp_path, 1)
    with pytest.raises(FolderError, match="another set of rows or of fixed settings"):
        search(tmp_path, 2, data=made_corpus(91), resume=True)
    with pytest.raises(FolderError, match=r"another seed|another set of rows"):
        search(tmp_path, 2, seed=9, resume=True)
    (tmp_path / "study.sqlite3").write_bytes(b"no database" * 500)
    with pytest.raises(FolderError, match="Optuna cannot read it"):
        search(tmp_path, 2, resume=True)
    (tmp_path / "study.sqlite3").unlink()
    with pytest.raises(FolderError, match="the trials of this search are gone"):
        search(tmp_path, 2, resume=True)
    assert len(search(tmp_path, 1, overwrite=True).trials) == 1


def test_without_optuna_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning_study, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "munjang\[tune\]"') as caught:
        search(tmp_path)
    assert "\n" not in str(caught.value)


def test_of_equal_trials_the_first_is_the_best() -> None:
    rows = tuple(TrialRow(n, "done", value, {}) for n, value in ((1, 0.5), (2, 0.7), (3, 0.7)))
    worse = (TrialRow(4, "pruned", 0.9, {}), TrialRow(5, "failed", None, {}))
    for metric, number in (("accuracy", 2), ("log_loss", 1)):
        best = Tuned(Path(), metric, {}, {}, (*rows, *worse), {}).best
        assert best is not None
        assert best.number == number
