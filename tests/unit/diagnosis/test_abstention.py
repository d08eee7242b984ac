"""Thresholds of abstention: limits that hold, by simulation and against slow references."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from munjang.diagnosis.abstention import MISS, POINTS, coverage_points
from munjang.diagnosis.intervals import upper_limit, wilson_interval
from munjang.diagnosis.reliability import compute_aurc, compute_reliability
from munjang.errors import ConfigError
from munjang.tasks.calibration import CalibrationSettings, CoveragePoint
from munjang.tasks.classification_scores import calibration_error

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ROWS = st.lists(
    st.tuples(st.sampled_from([0.5, 0.6, 0.75, 0.9, 0.999, 1.0]), st.booleans()),
    min_size=1,
    max_size=80,
)


def draw_rows(random: np.random.Generator, rows: int) -> tuple[Floats, Bools]:
    """Rows of a classifier that is too sure: it is right less often than it says."""
    confidence = 0.5 + 0.5 * random.beta(3, 1, rows)
    return confidence, random.random(rows) < confidence**2


def tabulate_risk() -> tuple[Floats, Floats]:
    """Confidences of very many rows, ascending, and the share of wrong answers from each on."""
    confidence, is_right = draw_rows(np.random.default_rng(99), 500_000)
    order = np.argsort(-confidence)
    risk = np.cumsum(~is_right[order]) / np.arange(1, len(order) + 1)
    return confidence[order][::-1], risk[::-1]


CONFIDENCES, RISKS = tabulate_risk()


def true_risk(threshold: float) -> float:
    """The share of wrong answers above a threshold."""
    return float(RISKS[np.searchsorted(CONFIDENCES, threshold, side="right")])


def as_settings(points: tuple[CoveragePoint, ...], rows: int) -> CalibrationSettings:
    return CalibrationSettings(rows=rows, temperature=1.0, coverage=points)


def test_promise_holds_in_at_least_95_of_100_resamplings() -> None:
    random = np.random.default_rng(0)
    for risk in (0.15, 0.2):
        kept = answered = 0
        for _ in range(100):
            points = coverage_points(*draw_rows(random, 1000))
            try:
                threshold = as_settings(points, 1000).find_threshold(risk)
            except ConfigError:
                kept += 1  # no answer is no wrong answer
                continue
            answered += 1
            kept += true_risk(threshold) <= risk
        assert kept >= 95
        assert answered >= 90, "a promise that is never given is kept easily"


def test_all_limits_hold_at_once_in_at_least_95_of_100_resamplings() -> None:
    random = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        points = coverage_points(*draw_rows(random, 300))
        held += all(true_risk(point.threshold) <= point.risk for point in points)
    assert held >= 95


@given(ROWS)
def test_points_equal_a_loop_over_rows(rows: list[tuple[float, bool]]) -> None:
    confidence = np.array([value for value, _ in rows])
    is_right = np.array([right for _, right in rows])
    ranked = sorted(confidence, reverse=True)
    expected = {}
    for number in range(1, POINTS + 1):
        rank = len(rows) * number // POINTS
        threshold = ranked[rank] if rank < len(rows) else 0.0
        above = [right for value, right in rows if value > threshold]
        if above:
            expected[threshold] = (len(above), above.count(False))
    points = coverage_points(confidence, is_right)
    assert {p.threshold: (p.answered, p.wrong) for p in points} == expected
    for point in points:
        assert point.risk == pytest.approx(upper_limit(point.wrong, point.answered, MISS / POINTS))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_upper_limit_is_where_so_few_errors_become_unlikely(counts: tuple[int, int]) -> None:
    hits, rows = counts
    limit = upper_limit(hits, rows, 0.01)
    if hits == rows:
        assert limit == 1.0
    else:
        assert binom.cdf(hits, rows, limit) == pytest.approx(0.01, rel=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_solves_its_equation(counts: tuple[int, int]) -> None:
    hits, rows = counts
    low, high = wilson_interval(hits, rows)
    assert 0 <= low <= hits / rows <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            deviation = abs(hits / rows - end) / np.sqrt(end * (1 - end) / rows)
            assert deviation == pytest.approx(1.959964, rel=1e-4)


@given(ROWS)
def test_aurc_is_the_mean_over_all_orders_of_equal_confidences(
    rows: list[tuple[float, bool]],
) -> None:
    confidence = np.array([value for value, _ in rows])
    is_right = np.array([right for _, right in rows])
    ties = {v: np.mean([not r for w, r in rows if w == v]) for v in set(confidence.tolist())}
    wrong, risks = 0.0, []
    for answered, value in enumerate(sorted(confidence.tolist(), reverse=True), 1):
        wrong += ties[value]
        risks.append(wrong / answered)
    assert compute_aurc(confidence, is_right) == pytest.approx(np.mean(risks))


@given(ROWS)
def test_bins_hold_every_row_and_give_the_calibration_error(
    rows: list[tuple[float, bool]],
) -> None:
    confidence = np.array([value for value, _ in rows])
    is_right = np.array([right for _, right in rows])
    bins = compute_reliability(confidence, is_right)
    assert sum(part.rows for part in bins) == len(rows)
    error = sum(part.rows * abs(part.confidence - part.accuracy) for part in bins) / len(rows)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    targets = np.where(is_right, probabilities.argmax(1), 1 - probabilities.argmax(1))
    assert calibration_error(probabilities, targets) == pytest.approx(error)


def test_threshold_answers_most_rows_that_keep_the_risk() -> None:
    points = tuple(
        CoveragePoint(threshold=t, answered=n, wrong=k, risk=r)
        for t, n, k, r in ((0.9, 50, 0, 0.1), (0.8, 70, 3, 0.12), (0.0, 100, 20, 0.3))
    )
    settings = as_settings(points, 100)
    assert settings.find_threshold(0.2) == 0.8
    assert settings.find_threshold(0.5) == 0.0
    with pytest.raises(ConfigError, match=r"no threshold keeps the risk 0\.05.*0\.1000 or more"):
        settings.find_threshold(0.05)
    for wrong in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            settings.find_threshold(wrong)
