"""A search from Python: the same seed, the same trials, whatever happens to some of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.api import evaluate, load
from munjang.errors import ConfigError, FolderError, MunjangError
from munjang.tuning import runners
from munjang.tuning import study as tuning_study
from munjang.tuning.results import TrialRow, Tuned
from munjang.tuning.run import tune
from tests.synthetic import make_corpus

pytest.importorskip("optuna", reason="optuna (extra tune)")
pytestmark = pytest.mark.usefixtures("one_thread")

FIXED = ("training.threads=1", "training.batch_size=16", "model.ngrams=1", "training.epochs=2")
Attempt = Callable[..., Any]


def search(out: Path, trials: int = 4, **more: Any) -> Tuned:
    options: dict[str, Any] = {"model": "mean", "overrides": FIXED, "seed": 3, **more}
    data = options.pop("data", make_corpus(90))
    return tune(data, out=out, trials=trials, **options)


def trial_tuples(tuned: Tuned) -> list[tuple[Any, ...]]:
    """All of the trials but their seconds."""
    return [(r.number, r.ended, r.value, r.settings, r.steps, r.note) for r in tuned.trials]


@pytest.fixture(scope="module")
def finished_search(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """A search that nothing disturbed."""
    return search(tmp_path_factory.mktemp("whole") / "out", 5)


def test_best_trial_is_saved_as_model(finished_search: Tuned) -> None:
    best = finished_search.best
    assert best is not None
    assert best.value == max(
        row.value or 0.0 for row in finished_search.trials if row.ended == "done"
    )
    model = load(finished_search.folder / "best")
    assert model.metrics["validation"]["accuracy"] == best.value
    assert model.predict("a great film")[0].label in ("bad", "good", "so-so")
    assert evaluate(finished_search.model, make_corpus(30, seed=5)).rows == 30
    for key, value in best.settings.items():
        section, name = key.split(".")
        assert getattr(getattr(model.recipe, section), name) == pytest.approx(value)
    assert model.recipe.training.max_seconds is None
    kept = json.loads((finished_search.folder / "tune.json").read_text())
    assert kept["best"]["number"] == best.number
    assert [row["number"] for row in kept["trials"]] == [1, 2, 3, 4, 5]
    assert read_end(finished_search.folder) == (5, 5, True)


def test_first_trial_has_default_settings(finished_search: Tuned) -> None:
    assert finished_search.trials[0].settings == finished_search.defaults
    assert finished_search.defaults["model.dim"] == 32
    assert len({json.dumps(row.settings) for row in finished_search.trials}) == 5


def test_fixed_settings_are_not_changed(finished_search: Tuned) -> None:
    for row in finished_search.trials:
        assert not {"training.epochs", "training.batch_size", "model.ngrams"} & row.settings.keys()
        assert row.epochs == 2


def test_same_seed_gives_same_trials(finished_search: Tuned, tmp_path: Path) -> None:
    repeated = search(tmp_path / "again", 5)
    assert trial_tuples(repeated) == trial_tuples(finished_search)
    texts = make_corpus(9)[0]
    np.testing.assert_array_equal(
        repeated.model.predict_proba(texts), finished_search.model.predict_proba(texts)
    )
    other = search(tmp_path / "other", 2, seed=2**31 - 1)
    assert trial_tuples(other)[1][3] != trial_tuples(finished_search)[1][3]


def fail_at(number: int, error: BaseException) -> Attempt:
    real = runners.attempt

    def attempt(prepared: Any, trial: Any, seconds: Any) -> Any:
        if trial.number == number:
            raise error
        return real(prepared, trial, seconds)

    return attempt


def read_end(out: Path) -> tuple[int, int, bool]:
    """Return the trials that ended, those asked for, and whether the search is finished."""
    kept = json.loads((out / "tune.json").read_text())
    return len(kept["trials"]), kept["wanted"], kept["is_finished"]


class KilledError(BaseException):
    """Stands for a kill: nothing of ours is asked before the end."""


@pytest.mark.parametrize(("at", "error"), [(1, KilledError()), (4, KeyboardInterrupt())])
def test_interrupted_search_resumes_to_same_trials(
    at: int,
    error: BaseException,
    finished_search: Tuned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(runners, "attempt", fail_at(at, error))
        with pytest.raises(type(error)) as stopped:
            search(out, 5)
    if isinstance(error, KeyboardInterrupt):
        assert f"stopped after {at - 1} of 5 trials" in str(stopped.value)
        assert f"--resume continues from {out}" in str(stopped.value)
        assert read_end(out) == (at - 1, 5, False)
    with pytest.raises(FolderError, match="--resume continues"):
        search(out, 5)
    lines: list[str] = []
    assert trial_tuples(search(out, 5, resume=True, report=lines.append)) == trial_tuples(
        finished_search
    )
    assert ("3 trials were done before" in lines) == (at == 4)
    assert trial_tuples(search(out, 5, resume=True)) == trial_tuples(
        finished_search
    )  # there is nothing left to do


@pytest.mark.parametrize("error", [KilledError(), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [1, 4])
def test_evaluated_trial_counts_after_crash_before_optuna_update(
    at: int,
    error: BaseException,
    finished_search: Tuned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conclude, left = tuning_study.Study._conclude, [at]

    def dies(self: Any, trial: Any, **outcome: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise error
        conclude(self, trial, **outcome)

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(tuning_study.Study, "_conclude", dies)
        with pytest.raises(type(error)):
            search(out, 5)
    lines: list[str] = []
    assert trial_tuples(search(out, 5, resume=True, report=lines.append)) == trial_tuples(
        finished_search
    )
    assert any(line.startswith(f"{at} trial") for line in lines)


def test_trial_that_kills_the_process_repeatedly_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(runners, "attempt", fail_at(2, KilledError()))
        for resume in (False, True):
            with pytest.raises(KilledError):
                search(tmp_path, 3, resume=resume)
        tuned = search(tmp_path, 3, resume=True)
    assert [row.ended for row in tuned.trials] == ["done", "failed", "done"]
    assert "killed during it twice" in tuned.trials[1].note


def test_failed_trials_are_recorded(tmp_path: Path) -> None:
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


def test_all_trials_failed_raises_first_reason(tmp_path: Path) -> None:
    space = {"training.learning_rate": {"low": 1e29, "high": 1e30}}
    with pytest.raises(ConfigError, match=r"none of 2 trials finished; .*tune\.json"):
        search(tmp_path, 2, space=space)
    assert json.loads((tmp_path / "tune.json").read_text())["best"] is None


def test_bugs_are_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        raise TypeError("a bug")

    monkeypatch.setattr("munjang.tuning.attempt.fit", broken)
    with pytest.raises(TypeError, match="a bug"):
        search(tmp_path, 2)


def test_trials_worse_than_median_are_pruned(tmp_path: Path) -> None:
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


def test_metric_to_minimize_is_minimized(tmp_path: Path) -> None:
    texts, labels = make_corpus(90)
    numbers = [str(("bad", "so-so", "good").index(label)) for label in labels]
    tuned = search(tmp_path, 3, data=(texts, numbers), task="regress")
    best = tuned.best
    assert tuned.metric in ("rmse", "mae")
    assert best is not None
    assert best.value == min(row.value for row in tuned.trials if row.value is not None)
    assert load(tmp_path / "best").metrics["validation"][tuned.metric] == best.value


def test_time_limit_keeps_the_last_trial(tmp_path: Path) -> None:
    overrides = [*(s for s in FIXED if "epochs" not in s), "training.epochs=100000"]
    tuned = search(tmp_path, 5, seconds=0.5, overrides=overrides)
    assert len(tuned.trials) == 1
    assert tuned.trials[0].ended == "done"
    assert tuned.trials[0].note.startswith("ended at step ")
    assert load(tmp_path / "best").recipe.training.max_seconds == pytest.approx(0.5)
    lines: list[str] = []
    search(tmp_path, 5, seconds=0.5, overrides=overrides, resume=True, report=lines.append)
    assert "the time is over after 1 of 5 trials" in lines


def test_vectors_fix_dim(tmp_path: Path) -> None:
    file = tmp_path / "words.vec"
    file.write_text("film 1 2 3 4\ngreat 0 1 0 1\nawful -1 0 1 0\n")
    tuned = search(tmp_path / "out", 2, vectors=file, freeze_vectors=True)
    assert "model.dim" not in tuned.space
    assert load(tmp_path / "out" / "best").recipe.model.dim == 4


def test_search_starts_from_config(tmp_path: Path, finished_search: Tuned) -> None:
    tuned = search(
        tmp_path, 1, config=finished_search.folder / "best" / "config.yaml", overrides=()
    )
    assert finished_search.best is not None
    assert tuned.trials[0].settings == {**tuned.defaults, **finished_search.best.settings}
    assert tuned.trials[0].value == finished_search.best.value


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trials": 0}, "trials: expected 1 or more, got 0"),
        ({"seconds": 0}, "seconds: expected more than 0"),
        ({"parallel": 0}, "parallel: expected 1 to 1,024, got 0"),
        ({"parallel": 2}, "parallel: every trial is a process .* got a tuple; write the rows"),
        ({"cluster": "head", "data": __file__}, "cluster: expected auto, or HOST:PORT"),
        ({"cores": 2}, "cores: .* give parallel or cluster too"),
        ({"parallel": 2, "data": "-"}, "reads the data from files; got '-'"),
        ({"model": "cnm"}, "unknown model 'cnm'; did you mean 'cnn'"),
        ({"space": "none.yaml"}, "none.yaml: cannot read"),
        ({"overrides": ["model.dimm=3"]}, "did you mean 'dim'"),
        ({"overrides": ["model=3"]}, "model: expected settings"),
        ({"space": {"model.dim": [8, 9]}, "overrides": ["model.dim=8"]}, "--set fixes it"),
    ],
)
def test_errors_leave_no_folder(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(MunjangError, match=message):
        search(tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_other_data_or_damaged_study_is_refused(tmp_path: Path) -> None:
    search(tmp_path, 1)
    with pytest.raises(FolderError, match="another set of rows or of fixed settings"):
        search(tmp_path, 2, data=make_corpus(91), resume=True)
    with pytest.raises(FolderError, match=r"another seed|another set of rows"):
        search(tmp_path, 2, seed=9, resume=True)
    (tmp_path / "study.sqlite3").write_bytes(b"no database" * 500)
    with pytest.raises(FolderError, match="Optuna cannot read it"):
        search(tmp_path, 2, resume=True)
    (tmp_path / "study.sqlite3").unlink()
    with pytest.raises(FolderError, match="the trials of this search are gone"):
        search(tmp_path, 2, resume=True)
    assert len(search(tmp_path, 1, overwrite=True).trials) == 1


def test_missing_optuna_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning_study, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "munjang\[tune\]"') as caught:
        search(tmp_path)
    assert "\n" not in str(caught.value)


def test_first_of_equal_trials_is_best() -> None:
    rows = tuple(TrialRow(n, "done", value, {}) for n, value in ((1, 0.5), (2, 0.7), (3, 0.7)))
    worse = (TrialRow(4, "pruned", 0.9, {}), TrialRow(5, "failed", None, {}))
    for metric, number in (("accuracy", 2), ("log_loss", 1)):
        best = Tuned(Path(), metric, {}, {}, (*rows, *worse), {}).best
        assert best is not None
        assert best.number == number
