"""Scores: what is ours about them is the calibration error and the shape."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.tasks.metrics import calibration_error, classification_scores


def slow_calibration_error(chances: list[list[float]], targets: list[int], bins: int) -> float:
    """Sort the rows into bins by hand; weigh each bin's gap by its rows."""
    boxes: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for row, target in zip(chances, targets, strict=True):
        sure = max(row)
        boxes[min(int(sure * bins), bins - 1)].append((sure, row.index(sure) == target))
    total = 0.0
    for box in boxes:
        if box:
            gap = sum(sure for sure, _ in box) / len(box) - sum(ok for _, ok in box) / len(box)
            total += abs(gap) * len(box) / len(targets)
    return total


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40),
    st.integers(1, 20),
)
def test_calibration_error_is_that_of_a_loop(rows: list[tuple[float, int]], bins: int) -> None:
    chances = [[1 - share, share] for share, _ in rows]
    targets = [target for _, target in rows]
    got = calibration_error(np.asarray(chances), np.asarray(targets), bins)
    assert got == pytest.approx(slow_calibration_error(chances, targets, bins), abs=1e-9)


def test_a_small_example_by_hand() -> None:
    chances = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    scores = classification_scores(chances, np.array([0, 1, 1, 1]), ("a", "b", "c"))
    assert (scores.rows, scores.accuracy) == (4, 0.75)
    expected = -(math.log(0.9) + math.log(0.7) + math.log(0.3) + math.log(0.8)) / 4
    assert scores.log_loss == pytest.approx(expected)
    a, b, c = scores.classes
    assert (a.precision, a.recall, a.rows) == (0.5, 1.0, 1)
    assert (b.precision, b.recall, b.rows) == (1.0, pytest.approx(2 / 3), 3)
    assert (c.precision, c.recall, c.f1, c.rows) == (0.0, 0.0, 0.0, 0)
    assert scores.macro_f1 == pytest.approx((a.f1 + b.f1 + c.f1) / 3)
    assert scores.confusion == ((1, 0, 0), (1, 2, 0), (0, 0, 0))


def test_certain_and_wrong_is_finite_and_json_is_plain() -> None:
    chances = np.array([[1.0, 0.0], [0.0, 1.0]])
    scores = classification_scores(chances, np.array([1, 1]), ("a", "b"))
    assert math.isfinite(scores.log_loss)
    assert json.loads(json.dumps(scores.to_json(), allow_nan=False))["accuracy"] == 0.5


def test_probabilities_that_are_none_are_said_not_raised() -> None:
    chances = np.array([[math.nan, math.nan], [0.5, 0.5]])
    scores = classification_scores(chances, np.array([1, 0]), ("a", "b"))
    assert math.isnan(scores.log_loss)
    assert math.isnan(scores.calibration_error)
