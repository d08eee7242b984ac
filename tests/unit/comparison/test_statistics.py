"""Intervals and the paired test, held to slow or known answers."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from munjang.comparison.class_tallies import class_tally
from munjang.comparison.statistics import (
    Floats,
    difference,
    percentiles,
    resampled,
    score,
    seeds_interval,
)


def drawn(
    metric: str, runs: dict[str, list[np.ndarray]], targets: np.ndarray, **options: int
) -> dict[str, Floats]:
    """The resamples of runs, given by their probabilities."""
    tallies = {
        name: [class_tally(metric, run, targets) for run in seeds] for name, seeds in runs.items()
    }
    return resampled(tallies, **options)


def guesses(targets: np.ndarray, right: float, seed: int, classes: int = 3) -> np.ndarray:
    """Probabilities whose largest is the true class for about a share `right` of the rows."""
    random = np.random.default_rng(seed)
    wrong = (targets + random.integers(1, classes, len(targets))) % classes
    best = np.where(random.random(len(targets)) < right, targets, wrong)
    return np.asarray(0.1 + 0.7 * np.eye(classes)[best])


@pytest.fixture
def targets() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 3, 400)


def test_scores_are_those_of_scikit_learn(targets: np.ndarray) -> None:
    probabilities = guesses(targets, 0.7, seed=1)
    best = probabilities.argmax(1)
    expected: dict[str, float] = {
        "accuracy": float((best == targets).mean()),
        "macro_f1": f1_score(targets, best, average="macro"),
        "log_loss": log_loss(targets, probabilities),
    }
    for metric, value in expected.items():
        assert score(class_tally(metric, probabilities, targets)) == pytest.approx(value)


def test_a_class_never_guessed_nor_true_counts_as_scikit_learn_counts_it() -> None:
    targets = np.array([0, 0, 1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    expected = f1_score(
        targets, probabilities.argmax(1), labels=[0, 1, 2], average="macro", zero_division=0
    )
    assert score(class_tally("macro_f1", probabilities, targets)) == pytest.approx(expected)


def test_resamples_are_spread_as_a_share_is(targets: np.ndarray) -> None:
    run = guesses(targets, 0.8, seed=2)
    found = drawn("accuracy", {"a": [run]}, targets)["a"]
    share = score(class_tally("accuracy", run, targets))
    assert found.mean() == pytest.approx(share, abs=0.005)
    assert found.std() == pytest.approx((share * (1 - share) / 400) ** 0.5, rel=0.15)
    interval = percentiles(found)
    assert interval.low < share < interval.high


def test_resamples_do_not_depend_on_how_many_are_drawn_at_a_time(
    targets: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {"a": [guesses(targets, 0.8, seed=2)], "b": [guesses(targets, 0.7, seed=3)]}
    monkeypatch.setattr("munjang.comparison.statistics._CHUNK_NUMBERS", 400 * 7)
    found = drawn("accuracy", runs, targets, resamples=50)
    assert {name: len(values) for name, values in found.items()} == {"a": 50, "b": 50}


def test_models_are_compared_on_the_same_rows(targets: np.ndarray) -> None:
    run = guesses(targets, 0.8, seed=2)
    found = drawn("accuracy", {"a": [run], "twin": [run.copy()]}, targets)
    assert np.array_equal(found["a"], found["twin"])
    gap = difference(found["a"], found["twin"], 0.0, up=True)
    assert gap.p == 1.0
    assert gap.is_noise


def test_a_small_but_steady_difference_is_told_from_noise(targets: np.ndarray) -> None:
    """12 rows of 400 are lost and none won: the two intervals overlap, the paired test sees it."""
    better = guesses(targets, 0.8, seed=2)
    worse = better.copy()
    lost = np.flatnonzero(better.argmax(1) == targets)[:12]
    worse[lost] = np.roll(worse[lost], 1, axis=1)
    found = drawn("accuracy", {"better": [better], "worse": [worse]}, targets)
    assert percentiles(found["worse"]).high > percentiles(found["better"]).low
    gap = difference(found["better"], found["worse"], 12 / 400, up=True)
    assert not gap.is_noise
    assert gap.interval.low > 0
    other_way = difference(found["worse"], found["better"], -12 / 400, up=True)
    assert other_way.p == pytest.approx(gap.p)


def test_models_equally_good_on_other_rows_are_within_noise(targets: np.ndarray) -> None:
    runs = {name: [guesses(targets, 0.8, seed=seed)] for name, seed in (("a", 2), ("b", 9))}
    found = drawn("accuracy", runs, targets)
    a, b = (score(class_tally("accuracy", run, targets)) for (run,) in runs.values())
    assert difference(found["a"], found["b"], a - b, up=True).is_noise


def test_seeds_that_differ_widen_the_interval(targets: np.ndarray) -> None:
    alike = [guesses(targets, 0.8, seed=2)] * 3
    unlike = [guesses(targets, right, seed=2) for right in (0.6, 0.8, 0.95)]
    found = drawn("accuracy", {"alike": alike, "unlike": unlike}, targets)
    assert found["unlike"].std() > 2 * found["alike"].std()


def test_smaller_log_loss_is_better(targets: np.ndarray) -> None:
    sure, unsure = guesses(targets, 0.95, seed=2), np.full((400, 3), 1 / 3)
    found = drawn("log_loss", {"sure": [sure], "unsure": [unsure]}, targets)
    less, more = (score(class_tally("log_loss", run, targets)) for run in (sure, unsure))
    gap = difference(found["sure"], found["unsure"], less - more, up=False)
    assert gap.value > 0, "positive = worse, whatever the metric"
    assert not gap.is_noise


def test_the_interval_over_seeds_is_student_s() -> None:
    interval = seeds_interval([0.8, 0.82, 0.84])
    assert interval is not None
    # t for 2 degrees of freedom is 4.303, the deviation 0.02
    assert interval.high - 0.82 == pytest.approx(4.3027 * 0.02 / 3**0.5, rel=1e-3)
    assert interval.low + interval.high == pytest.approx(1.64)
    assert seeds_interval([0.8]) is None
