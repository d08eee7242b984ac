"""Scores of numbers and of sets of labels as sums over rows, held to scikit-learn."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from munjang.comparison.gaps import Gaps, Measured
from munjang.comparison.number_judge import METRICS as NUMBER_METRICS
from munjang.comparison.number_judge import number_tally
from munjang.comparison.set_answers import SetAnswers
from munjang.comparison.set_judge import METRICS as SET_METRICS
from munjang.comparison.set_judge import set_tally
from munjang.comparison.statistics import Scale, Tally, row_effects, score, sparse_counts
from munjang.tasks.metric_table import METRICS

SKLEARN_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
    "r2": r2_score,
}


def make_numbers(rows: int, seed: int = 0, noise: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers far from 0, and answers near them."""
    random = np.random.default_rng(seed)
    targets = 1e4 + 3 * random.standard_normal(rows)
    return targets + noise * random.standard_normal(rows), targets


@pytest.mark.parametrize("metric", NUMBER_METRICS)
def test_regression_scores_equal_scikit_learn(metric: str) -> None:
    answers, targets = make_numbers(400)
    tally = number_tally(metric, answers, targets)
    assert score(tally) == pytest.approx(SKLEARN_METRICS[metric](targets, answers))
    rows = np.random.default_rng(1).integers(0, 400, 150)
    assert tally.of(rows) == pytest.approx(SKLEARN_METRICS[metric](targets[rows], answers[rows]))


def test_r2_of_equal_targets_is_zero() -> None:
    assert score(number_tally("r2", np.array([1.0, 3.0]), np.array([2.0, 2.0]))) == 0.0


@pytest.mark.parametrize("rows", [300, 2500])
@pytest.mark.parametrize("metric", NUMBER_METRICS)
def test_row_variance_of_regression_equals_bootstrap(metric: str, rows: int) -> None:
    tally = number_tally(metric, *make_numbers(rows))
    random = np.random.default_rng(1)
    drawn = [tally.of(random.integers(0, rows, rows)) for _ in range(2000)]
    assert np.square(row_effects(tally)).sum() ** 0.5 == pytest.approx(np.std(drawn), rel=0.15)


@pytest.mark.parametrize("metric", NUMBER_METRICS)
def test_worse_regression_model_is_significant_and_intervals_stay_in_range(metric: str) -> None:
    figure = METRICS[metric]
    runs = {
        "a": make_numbers(300),
        "b": make_numbers(300, noise=4.0),
        "c": make_numbers(300, noise=0.01),
    }
    models = {
        name: Measured.of([number_tally(metric, *run)], chance=False) for name, run in runs.items()
    }
    gaps = Gaps(models, Scale(figure.lowest, figure.highest), up=figure.larger_is_better)
    assert gaps.behind("a", "b", margin=0.03).is_worse
    assert not gaps.behind("a", "a", margin=0.03).is_worse
    for name in models:
        interval = gaps.over_rows(name)
        assert interval.low <= models[name].score <= interval.high
        assert figure.lowest is None or interval.low >= figure.lowest
        assert figure.highest is None or interval.high <= figure.highest


def make_label_sets(rows: int, labels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, which labels are chosen, and which are true: all [rows, labels]."""
    random = np.random.default_rng(0)
    targets = random.random((rows, labels)) < 0.3
    targets[:, 0] = False  # nobody has it
    probabilities = np.clip(0.25 + 0.4 * targets + 0.3 * random.random((rows, labels)), 0, 1)
    predicted = probabilities > 0.5
    predicted[:, 0] = False
    return probabilities, predicted, targets


def test_multilabel_scores_equal_scikit_learn() -> None:
    probabilities, predicted, targets = make_label_sets(200, 5)
    answers = SetAnswers.of(probabilities, predicted, targets)
    rows = np.random.default_rng(1).integers(0, 200, 80)
    for subset in (np.arange(200), rows):
        expected = {
            "micro_f1": f1_score(targets[subset], predicted[subset], average="micro"),
            "macro_f1": f1_score(
                targets[subset], predicted[subset], average="macro", zero_division=0
            ),
            "subset_accuracy": accuracy_score(targets[subset], predicted[subset]),
            "log_loss": np.mean(
                [
                    log_loss(targets[subset, k], probabilities[subset, k], labels=[0, 1])
                    for k in range(5)
                ]
            ),
        }
        for metric in SET_METRICS:
            tally = set_tally(metric, answers, targets)
            assert tally.of(subset) == pytest.approx(expected[metric]), metric


@pytest.mark.parametrize("metric", ["micro_f1", "macro_f1"])
def test_row_variance_of_multilabel_f1_equals_bootstrap(metric: str) -> None:
    probabilities, predicted, targets = make_label_sets(300, 5)
    tally = set_tally(metric, SetAnswers.of(probabilities, predicted, targets), targets)
    random = np.random.default_rng(1)
    drawn = [tally.of(random.integers(0, 300, 300)) for _ in range(2000)]
    assert np.square(row_effects(tally)).sum() ** 0.5 == pytest.approx(np.std(drawn), rel=0.1)


@pytest.mark.parametrize("rows", [40, 3000])
def test_sparse_tally_equals_dense_tally(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("munjang.comparison.statistics._MOST_AT_ONCE", 100)  # many small parts
    random = np.random.default_rng(0)
    where, columns = random.integers(0, rows, 5 * rows), random.integers(0, 8, 5 * rows)
    sparse = sparse_counts(where, columns, (rows, 8))
    figures = [
        Tally(counts, lambda sums: sums[:, 0] / sums.sum(1))
        for counts in (sparse, sparse.toarray())
    ]
    assert score(figures[0]) == pytest.approx(score(figures[1]))
    np.testing.assert_allclose(row_effects(figures[0]), row_effects(figures[1]))
