"""Spreads, intervals and gaps, held to slow or known answers."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from sklearn.metrics import f1_score, log_loss

from munjang.comparison import class_tallies
from munjang.comparison.class_answers import ClassAnswers
from munjang.comparison.gaps import Difference, Gaps, Measured
from munjang.comparison.statistics import (
    Scale,
    Spread,
    Tally,
    interval_within,
    row_effects,
    score,
    seeds_interval,
)

SHARE = Scale(0.0, 1.0)


def class_tally(metric: str, probabilities: np.ndarray, targets: np.ndarray) -> Tally:
    """Return the tally of probabilities [rows, classes]."""
    return class_tallies.class_tally(metric, ClassAnswers.of(probabilities, targets), targets)


def make_gaps(
    metric: str, runs: Mapping[str, Sequence[np.ndarray]], targets: np.ndarray
) -> tuple[Gaps, dict[str, Measured]]:
    """Models given by the probabilities of their runs; several runs are seeds."""
    models = {
        name: Measured.of(
            [class_tally(metric, run, targets) for run in seeds], chance=len(seeds) > 1
        )
        for name, seeds in runs.items()
    }
    loss = metric == "log_loss"
    return Gaps(models, Scale(0.0, None if loss else 1.0), up=not loss), models


def gap_to_best(
    metric: str, best: np.ndarray, other: np.ndarray, targets: np.ndarray
) -> Difference:
    """Gaps between two runs."""
    gaps, _ = make_gaps(metric, {"best": [best], "other": [other]}, targets)
    return gaps.behind("best", "other", margin=0.01)


def random_probabilities(
    targets: np.ndarray, right: float, seed: int, classes: int = 3
) -> np.ndarray:
    """Probabilities whose largest is the true class for about a share `right` of the rows."""
    random = np.random.default_rng(seed)
    wrong = (targets + random.integers(1, classes, len(targets))) % classes
    best = np.where(random.random(len(targets)) < right, targets, wrong)
    return np.asarray(0.1 + 0.7 * np.eye(classes)[best])


@pytest.fixture
def targets() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 3, 400)


def test_scores_equal_scikit_learn(targets: np.ndarray) -> None:
    probabilities = random_probabilities(targets, 0.7, seed=1)
    best = probabilities.argmax(1)
    expected: dict[str, float] = {
        "accuracy": float((best == targets).mean()),
        "macro_f1": f1_score(targets, best, average="macro"),
        "log_loss": log_loss(targets, probabilities),
    }
    for metric, value in expected.items():
        assert score(class_tally(metric, probabilities, targets)) == pytest.approx(value)


def test_macro_f1_of_absent_class_equals_scikit_learn() -> None:
    targets = np.array([0, 0, 1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    expected = f1_score(
        targets, probabilities.argmax(1), labels=[0, 1, 2], average="macro", zero_division=0
    )
    assert score(class_tally("macro_f1", probabilities, targets)) == pytest.approx(expected)


@pytest.mark.parametrize("rows", [40, 999, 4321])
def test_row_variance_of_accuracy_equals_binomial(rows: int) -> None:
    targets = np.random.default_rng(0).integers(0, 3, rows)
    tally = class_tally("accuracy", random_probabilities(targets, 0.8, seed=2), targets)
    share = score(tally)
    variance = float(np.square(row_effects(tally)).sum())
    exact = share * (1 - share) / (rows - 1)
    # more than 1,000 rows are left out in groups, which is no more exact than 1,000 draws are
    assert variance == pytest.approx(exact, rel=1e-9 if rows < 1000 else 0.15)


def test_row_variance_of_macro_f1_equals_bootstrap(targets: np.ndarray) -> None:
    tally = class_tally("macro_f1", random_probabilities(targets, 0.8, seed=2), targets)
    random = np.random.default_rng(1)
    drawn = [tally.of(random.integers(0, 400, 400)) for _ in range(2000)]
    assert np.square(row_effects(tally)).sum() ** 0.5 == pytest.approx(np.std(drawn), rel=0.1)


def test_gap_is_paired_by_rows(targets: np.ndarray) -> None:
    run = random_probabilities(targets, 0.8, seed=2)
    gap = gap_to_best("accuracy", run, run.copy(), targets)
    assert gap.value == 0
    assert gap.p == pytest.approx(1.0, abs=1e-6)
    assert not gap.is_worse
    assert gap.at_most < 0.01, "that rows agree is no proof, but 400 of 400 say something"


def test_small_consistent_gap_is_significant(targets: np.ndarray) -> None:
    """12 rows of 400 are lost and none won: the two intervals overlap, the paired test sees it."""
    better = random_probabilities(targets, 0.8, seed=2)
    worse = better.copy()
    lost = np.flatnonzero(better.argmax(1) == targets)[:12]
    worse[lost] = np.roll(worse[lost], 1, axis=1)
    gaps, _ = make_gaps("accuracy", {"better": [better], "worse": [worse]}, targets)
    assert gaps.over_rows("worse").high > gaps.over_rows("better").low
    gap = gaps.behind("better", "worse", 0.01)
    assert gap.is_worse
    assert gap.value == pytest.approx(12 / 400)
    assert gap.p == pytest.approx(binomtest(0, 12).pvalue, abs=0.002)
    assert gaps.behind("worse", "better", 0.01).p == pytest.approx(gap.p)


@pytest.mark.parametrize(("lost", "worse"), [(1, False), (4, False), (6, True), (12, True)])
def test_few_rows_agree_with_exact_mcnemar_test(lost: int, worse: bool) -> None:
    targets = np.zeros(12, dtype=np.int64)
    right = np.tile([0.9, 0.1], (12, 1))
    other = right.copy()
    other[:lost] = [0.1, 0.9]
    exact = binomtest(0, lost).pvalue
    assert gap_to_best("accuracy", right, other, targets).is_worse == worse == (exact < 0.05)


@pytest.mark.parametrize("right", [0.5, 0.7, 0.8])
def test_gap_p_value_agrees_with_interval(right: float) -> None:
    """Of gaps as unsure as this one, the least whose interval does not hold 0."""
    targets = np.random.default_rng(1).integers(0, 3, 60)
    runs = {
        "best": [random_probabilities(targets, 0.9, 2)],
        "other": [random_probabilities(targets, right, 3)],
    }
    gaps, _ = make_gaps("accuracy", runs, targets)
    gap = gaps.behind("best", "other", 0.01)
    low, high = gap.interval.low, gap.interval.high
    assert low < gap.value < high
    assert (gap.value > gap.significant_from) == gap.is_worse
    assert (gap.p < 0.05) == gap.is_worse
    assert 0 < gap.significant_from < 1


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_single_digit_rows_are_never_significant(rows: int) -> None:
    targets = np.zeros(rows, dtype=np.int64)
    right, wrong = np.tile([0.9, 0.1], (rows, 1)), np.tile([0.1, 0.9], (rows, 1))
    for metric in ("accuracy", "macro_f1", "log_loss"):
        gap = gap_to_best(metric, right, wrong, targets)
        assert gap.value > 0
        assert not gap.is_worse
        assert all(map(math.isfinite, (gap.p, gap.at_most, gap.interval.low, gap.interval.high)))


def test_seed_variance_widens_interval(targets: np.ndarray) -> None:
    alike = [random_probabilities(targets, 0.8, seed=2)] * 3
    unlike = [random_probabilities(targets, right, seed=2) for right in (0.6, 0.8, 0.95)]
    widths = []
    for runs in (alike, unlike):
        interval = make_gaps("accuracy", {"one": runs}, targets)[0].over_rows("one")
        widths.append(interval.high - interval.low)
    assert widths[1] > 2 * widths[0]


def test_low_seed_variance_by_chance_is_pooled(targets: np.ndarray) -> None:
    """Three seeds of one model agree, those of another one do not: both have seeds."""
    runs = {
        "close": [random_probabilities(targets, 0.85, seed=2)] * 3,
        "apart": [random_probabilities(targets, right, seed=2) for right in (0.7, 0.8, 0.9)],
    }
    pooled = make_gaps("accuracy", runs, targets)[0].over_rows("close")
    separate = make_gaps("accuracy", {"close": runs["close"]}, targets)[0].over_rows("close")
    assert pooled.high - pooled.low > separate.high - separate.low


def test_smaller_log_loss_is_better(targets: np.ndarray) -> None:
    confident, uniform = random_probabilities(targets, 0.95, seed=2), np.full((400, 3), 1 / 3)
    gap = gap_to_best("log_loss", confident, uniform, targets)
    assert gap.value > 0, "positive = worse, whatever the metric"
    assert gap.is_worse


def test_single_seed_verdict_is_as_trained(targets: np.ndarray) -> None:
    tally = class_tally("accuracy", random_probabilities(targets, 0.8, seed=2), targets)
    for runs, chance, alone in ((1, True, True), (2, True, False), (1, False, False)):
        models = {
            "best": Measured.of([tally] * runs, chance=chance),
            "sure": Measured.of([tally], chance=False),
        }
        assert Gaps(models, SHARE, up=True).behind("best", "sure", 0.01).as_trained == alone


spreads = st.builds(
    Spread,
    rows=st.floats(1e-8, 1.0),
    rows_freedom=st.integers(1, 1000),
    seeds=st.floats(0, 1.0),
    seeds_freedom=st.integers(0, 30),
)


@settings(max_examples=60, deadline=None)
@given(spread=spreads, tail=st.floats(1e-6, 0.4))
def test_spread_tail_inverts_reach(spread: Spread, tail: float) -> None:
    assert spread.tail(spread.reach(tail)) == pytest.approx(tail, rel=0.02)


SCALES = {
    "share": SHARE,
    "percent": Scale(0.0, 100.0),
    "correlation": Scale(-1.0, 1.0),
    "loss": Scale(0.0, None),
    "r2": Scale(None, 1.0),
    "none": Scale(None, None),
}


@settings(max_examples=200, deadline=None)
@given(
    scale=st.sampled_from(list(SCALES.values())),
    position=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
    reach=st.floats(0, 1e4),
    rows=st.integers(1, 10_000),
)
def test_interval_contains_value_and_stays_in_range(
    scale: Scale, position: float, reach: float, rows: int
) -> None:
    low = -1.0 if scale.lowest is None else scale.lowest
    high = 1.0 if scale.highest is None else scale.highest
    value = low + position * (max(high, low + 1) - low)
    result = interval_within(scale, value, reach, rows)
    assert math.isfinite(result.low)
    assert math.isfinite(result.high)
    assert result.low <= value + 1e-9
    assert result.high >= value - 1e-9
    assert scale.lowest is None or result.low >= scale.lowest
    assert scale.highest is None or result.high <= scale.highest


def test_interval_of_share_is_wilson() -> None:
    for right in (0, 3, 90, 100):
        share = right / 100
        theirs = binomtest(right, 100).proportion_ci(method="wilson")
        z = 1.959964
        error = (share * (1 - share) / 100) ** 0.5 or (1 / 200)  # at an end, half a row
        result = interval_within(SHARE, share, z * error, 100)
        assert (result.low, result.high) == pytest.approx(tuple(theirs), abs=1e-3)


def test_interval_over_seeds_is_student_t_in_mid_range() -> None:
    result = seeds_interval([0.498, 0.5, 0.502], SHARE, 1000)
    assert result is not None
    reach = float(t.isf(0.025, 2)) * 0.002 / 3**0.5
    assert result.high - 0.5 == pytest.approx(reach, rel=1e-3)
    assert result.low + result.high == pytest.approx(1.0)
    assert seeds_interval([0.8], SHARE, 1000) is None


@pytest.mark.parametrize("scores", [(0.2, 0.9, 0.9), (0.0, 1.0), (1.0, 1.0, 1.0), (0.0, 0.01)])
def test_interval_of_distant_seeds_stays_in_range(scores: tuple[float, ...]) -> None:
    result = seeds_interval(scores, SHARE, 100)
    assert result is not None
    assert 0 <= result.low <= np.mean(scores) <= result.high <= 1
