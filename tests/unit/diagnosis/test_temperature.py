"""The temperature: least log loss, better calibration on rows of a third part, same labels."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from munjang.diagnosis.temperature import (
    apply_temperature,
    cross_fit,
    fit_temperature,
    log_loss,
)
from munjang.errors import ConfigError
from munjang.tasks.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    CalibrationSettings,
    DecisionSettings,
)
from munjang.tasks.classification_scores import calibration_error
from munjang.tasks.classify import Classify

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def draw(random: np.random.Generator, rows: int, classes: int, scale: float) -> tuple[Floats, Ints]:
    """Logits that are `scale` times too large, and true classes."""
    logits = random.normal(size=(rows, classes)) * 1.5
    probabilities = apply_temperature(logits, 1.0)
    uniform = random.random((rows, 1))
    targets = (probabilities.cumsum(1) < uniform).sum(1).clip(max=classes - 1)
    return logits * scale, targets


@pytest.mark.parametrize("classes", [2, 4])
def test_error_on_a_third_part_is_lower_in_at_least_9_of_10_runs(classes: int) -> None:
    lower = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        logits, targets = draw(random, 1500, classes, 2.0)
        temperature = fit_temperature(logits[:750], targets[:750])
        rest, true = logits[750:], targets[750:]
        before = calibration_error(apply_temperature(rest, 1.0), true)
        lower += calibration_error(apply_temperature(rest, temperature), true) < before
    assert lower >= 9


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_temperature_has_the_least_log_loss(scale: float) -> None:
    logits, targets = draw(np.random.default_rng(0), 500, 3, scale)

    def loss(logarithm: float) -> float:
        return log_loss(apply_temperature(logits, float(np.exp(logarithm))), targets)

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-7})
    assert np.log(fit_temperature(logits, targets)) == pytest.approx(best.x, abs=1e-3)


def test_extreme_rows_give_the_ends_of_the_range() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == LOWEST_TEMPERATURE
    assert fit_temperature(logits, np.array([1, 0])) == HIGHEST_TEMPERATURE


def test_cross_fit_uses_a_temperature_of_the_other_folds() -> None:
    logits, targets = draw(np.random.default_rng(0), 60, 3, 2.0)
    fair = cross_fit(logits, targets, folds=60)
    for row in range(0, 60, 7):
        rest = np.delete(np.arange(60), row)
        temperature = fit_temperature(logits[rest], targets[rest])
        expected = apply_temperature(logits[row : row + 1], temperature)[0]
        assert fair[row] == pytest.approx(expected)


LOGITS = st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=5)


@given(
    st.lists(LOGITS.filter(lambda row: len(row) == 3), min_size=1, max_size=4), st.floats(0.05, 20)
)
def test_labels_never_change(rows: list[list[float]], temperature: float) -> None:
    check_labels(Classify(("a", "b", "c")), torch.tensor(rows), temperature)


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=4), st.floats(0.05, 20))
def test_labels_of_two_classes_never_change(rows: list[float], temperature: float) -> None:
    check_labels(Classify(("a", "b")), torch.tensor(rows)[:, None], temperature)


def check_labels(task: Classify, logits: torch.Tensor, temperature: float) -> None:
    calibrated = task.with_calibration(CalibrationSettings(rows=9, temperature=temperature))
    truncated = np.zeros(len(logits), dtype=bool)
    before, after = (t.answers_of(logits, truncated) for t in (task, calibrated))
    assert [answer.label for answer in after] == [answer.label for answer in before]
    expected = apply_temperature(task.class_logits(logits), temperature)
    assert np.stack([answer.row for answer in after]) == pytest.approx(expected, abs=1e-12)
    targets = np.zeros(len(logits), dtype=np.int64)
    assert task.scores(logits, targets).accuracy == calibrated.scores(logits, targets).accuracy


def test_calibration_is_kept_in_the_state_and_not_given_to_students() -> None:
    settings = CalibrationSettings(rows=9, temperature=1.5)
    task = Classify(("a", "b")).with_calibration(settings)
    assert task.state()["classify"]["calibration"]["temperature"] == 1.5
    assert Classify(("a", "b")).state()["classify"] == {"calibration": None}
    assert task.student_settings() == {"labels": ["a", "b"]}


def test_soft_targets_come_back_from_their_logits() -> None:
    task = Classify(("a", "b", "c")).with_calibration(CalibrationSettings(rows=9, temperature=2.5))
    soft = apply_temperature(np.random.default_rng(0).normal(size=(5, 3)), 1.0)
    assert task.soft_targets(task.logits_of(soft)) == pytest.approx(soft)


def test_decision_follows_the_stated_threshold() -> None:
    decision = DecisionSettings(positive="b", threshold=0.2)
    settings = CalibrationSettings(rows=9, temperature=1.0, decision=decision)
    task = Classify(("a", "b")).with_calibration(settings)
    logits = torch.logit(torch.tensor([[0.1], [0.3], [0.7]]))
    answers = task.answers_of(logits, np.zeros(3, dtype=bool))
    assert [answer.label for answer in answers] == ["a", "b", "b"]
    assert [round(answer.probability, 4) for answer in answers] == [0.9, 0.3, 0.7]
    assert task.scores(logits, np.array([0, 1, 1])).accuracy == 1.0
    assert "0.2000" in task.card({"classes": []}, "text").about
    with pytest.raises(ConfigError, match="costs"):
        settings.find_threshold(0.1)
    with pytest.raises(ConfigError, match="one of two classes"):
        Classify(("a", "b", "c")).with_calibration(settings)
