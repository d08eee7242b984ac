"""Scores: what is ours about them is the calibration error and the shape."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

from munjang.reporting import format_markdown_list
from munjang.tasks.classification_scores import (
    CONFUSED_PAIRS,
    LISTED_CLASSES,
    MATRIX_CLASSES,
    calibration_error,
    format_class_table,
    score_classes,
)
from munjang.tasks.classify import Classify


def reference_calibration_error(
    probabilities: list[list[float]], targets: list[int], bins: int
) -> float:
    """Sort the rows into bins by hand; weigh each bin's gap by its rows."""
    boxes: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for row, target in zip(probabilities, targets, strict=True):
        confidence = max(row)
        boxes[min(int(confidence * bins), bins - 1)].append(
            (confidence, row.index(confidence) == target)
        )
    total = 0.0
    for box in boxes:
        if box:
            gap = sum(confidence for confidence, _ in box) / len(box) - sum(
                ok for _, ok in box
            ) / len(box)
            total += abs(gap) * len(box) / len(targets)
    return total


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40),
    st.integers(1, 20),
)
def test_calibration_error_equals_loop(rows: list[tuple[float, int]], bins: int) -> None:
    probabilities = [[1 - share, share] for share, _ in rows]
    targets = [target for _, target in rows]
    result = calibration_error(np.asarray(probabilities), np.asarray(targets), bins)
    assert result == pytest.approx(
        reference_calibration_error(probabilities, targets, bins), abs=1e-9
    )


def test_score_classes_of_small_example() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    scores = score_classes(probabilities, np.array([0, 1, 1, 1]), ("a", "b", "c"))
    assert (scores.rows, scores.accuracy) == (4, 0.75)
    expected = -(math.log(0.9) + math.log(0.7) + math.log(0.3) + math.log(0.8)) / 4
    assert scores.log_loss == pytest.approx(expected)
    a, b, c = scores.classes
    assert (a.precision, a.recall, a.rows) == (0.5, 1.0, 1)
    assert (b.precision, b.recall, b.rows) == (1.0, pytest.approx(2 / 3), 3)
    assert (c.precision, c.recall, c.f1, c.rows) == (0.0, 0.0, 0.0, 0)
    assert scores.macro_f1 == pytest.approx((a.f1 + b.f1 + c.f1) / 3)
    assert scores.confusion == ((1, 0, 0), (1, 2, 0), (0, 0, 0))


def test_log_loss_of_certain_error_is_finite() -> None:
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0]])
    scores = score_classes(probabilities, np.array([1, 1]), ("a", "b"))
    assert math.isfinite(scores.log_loss)
    assert json.loads(json.dumps(scores.to_json(), allow_nan=False))["accuracy"] == 0.5


def test_non_finite_probabilities_give_nan_scores() -> None:
    probabilities = np.array([[math.nan, math.nan], [0.5, 0.5]])
    scores = score_classes(probabilities, np.array([1, 0]), ("a", "b"))
    assert math.isnan(scores.log_loss)
    assert math.isnan(scores.calibration_error)


def random_logits_and_targets(
    seed: int, rows: int, classes: int, kinds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Logits [rows, classes] of `kinds` different values, so that some tie, and true classes."""
    random = np.random.default_rng(seed)
    logits = random.integers(0, kinds, (rows, classes)).astype(np.float32) * 3
    return logits, random.integers(0, classes, rows)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(2, 6), st.integers(1, 5))
def test_scores_equal_scikit_learn(seed: int, rows: int, classes: int, kinds: int) -> None:
    logits, targets = random_logits_and_targets(seed, rows, classes, kinds)
    task = Classify(tuple(f"c{number}" for number in range(classes)))
    scores = task.scores(torch.from_numpy(logits)[:, -task.outputs :], targets)
    probabilities = task.probabilities(torch.from_numpy(logits)[:, -task.outputs :])
    predictions, numbers = probabilities.argmax(1), np.arange(classes)
    table = precision_recall_fscore_support(targets, predictions, labels=numbers, zero_division=0)
    result = [(one.precision, one.recall, one.f1, one.rows) for one in scores.classes]
    np.testing.assert_allclose(np.array(result).T, table, rtol=1e-12)
    assert scores.accuracy == pytest.approx(accuracy_score(targets, predictions), rel=1e-12)
    macro = f1_score(targets, predictions, labels=numbers, average="macro", zero_division=0)
    assert scores.macro_f1 == pytest.approx(macro, rel=1e-12)
    assert scores.log_loss == pytest.approx(
        log_loss(targets, probabilities, labels=numbers), rel=1e-12
    )
    assert scores.calibration_error == pytest.approx(calibration_error(probabilities, targets))
    matrix = confusion_matrix(targets, predictions, labels=numbers)
    assert scores.confusion == tuple(map(tuple, matrix.tolist()))


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(2, 5), st.integers(1, 7))
def test_scores_do_not_depend_on_batches_and_order(
    seed: int, rows: int, classes: int, size: int
) -> None:
    logits, targets = random_logits_and_targets(seed, rows, classes, 4)
    task = Classify(tuple(f"c{number}" for number in range(classes)))
    outputs = torch.from_numpy(logits)[:, -task.outputs :]
    scorer = task.scorer(targets)
    order = np.random.default_rng(seed).permutation(rows)
    for start in range(0, rows, size):
        batch = order[start : start + size]
        scorer.add(batch, outputs[batch])
    assert scorer.scores() == task.scores(outputs, targets)


def test_many_classes_have_confused_pairs_instead_of_matrix() -> None:
    classes = 3 * MATRIX_CLASSES
    labels = tuple(f"c{number}" for number in range(classes))
    targets = np.repeat(np.arange(classes), 3)
    predictions = targets.copy()
    predictions[:6] = [7, 7, 7, 9, 9, 1]  # c0 is taken for c7 three times
    predictions[600:1000] += 1
    scores = score_classes(np.eye(classes)[predictions], targets, labels)
    assert scores.confusion is None
    first, second, *_ = scores.confused
    assert (first.true, first.predicted, first.rows) == ("c0", "c7", 3)
    assert (second.true, second.predicted, second.rows) == ("c200", "c201", 3)
    assert len(scores.confused) == CONFUSED_PAIRS
    values = scores.to_json()
    assert len(values["classes"]) == classes
    assert values["confusion"] is None
    assert len(json.dumps(values)) < 150 * classes + 100 * CONFUSED_PAIRS
    seven = next(one for one in scores.classes if one.label == "c7")
    assert (seven.rows, seven.recall) == (3, 1.0)
    assert seven.precision == pytest.approx(0.5)


def test_card_of_many_classes_lists_most_frequent() -> None:
    counts = range(LISTED_CLASSES + 50)
    classes = [{"label": f"c{n}", "precision": 0, "recall": 0, "f1": 0, "rows": n} for n in counts]
    lines = format_class_table("class", classes).splitlines()
    assert lines[2].startswith("| c149 |")
    assert "| c50 |" in lines[1 + LISTED_CLASSES]
    assert lines[-1] == "These have the most rows; `metrics.json` has all 150."
    assert format_class_table("class", classes[:3]).splitlines()[-1].startswith("| c2 |")
    named = format_markdown_list([f"c{n}" for n in counts], "config.yaml")
    assert named.endswith("c99 and 50 more, listed in `config.yaml`")
    assert format_markdown_list(["a", "b"], "config.yaml") == "a, b"


def test_non_finite_scores_are_null_in_json() -> None:
    scores = score_classes(np.full((2, 2), math.nan), np.array([1, 0]), ("a", "b"))
    values = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert values["log_loss"] is None
    assert values["calibration_error"] is None
    assert not scores.is_finite
