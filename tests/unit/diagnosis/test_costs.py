"""Thresholds for stated costs: a loop over all thresholds, and probabilities that lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.diagnosis.costs import Costs, report_costs, tune_threshold

LABELS = ("no", "yes")
ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 1.0]), st.booleans()),
    min_size=1,
    max_size=20,
)


def price(costs: Costs, rows: list[tuple[float, bool]], threshold: float) -> float:
    total = 0.0
    for share, is_true in rows:
        if share >= threshold and not is_true:
            total += costs.false_positive
        if share < threshold and is_true:
            total += costs.false_negative
    return total


@given(ROWS, st.sampled_from([0.2, 1.0, 5.0]))
def test_tuned_threshold_costs_least_of_all(rows: list[tuple[float, bool]], cost: float) -> None:
    costs = Costs(1.0, cost)
    shares = np.array([share for share, _ in rows])
    threshold = tune_threshold(costs, shares, np.array([true for _, true in rows]))
    least = min(price(costs, rows, t) for t in (0.0, 0.05, 0.15, 0.3, 0.6, 0.8, 1.0))
    assert price(costs, rows, threshold) == pytest.approx(least)
    assert 0 <= threshold <= 1


def draw(power: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, which are right if `power` is 1, and true classes."""
    random = np.random.default_rng(0)
    share = random.random(4000)
    targets = (random.random(4000) < share).astype(np.int64)
    told = share**power
    return np.stack([1 - told, told], axis=1), targets


def test_right_probabilities_get_about_the_expected_threshold() -> None:
    report = report_costs(Costs(1, 4), LABELS, *draw(1.0))
    assert report.threshold == pytest.approx(0.2, abs=0.05)
    assert report.cost_per_row[1] < report.cost_per_row[0]


def test_wrong_probabilities_get_the_threshold_that_costs_least() -> None:
    report = report_costs(Costs(1, 4), LABELS, *draw(3.0))
    assert report.threshold == pytest.approx(0.2**3, abs=0.01)
    assert report.changed > 0


def test_positive_class_may_be_the_first() -> None:
    probabilities, targets = draw(1.0)
    report = report_costs(Costs(1, 4, "no"), LABELS, probabilities, targets)
    assert report.positive == "no"
    mirrored = report_costs(Costs(1, 4), LABELS, probabilities[:, ::-1], 1 - targets)
    assert report.cost_per_row == mirrored.cost_per_row
