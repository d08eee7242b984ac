"""The task: numbers standardized inside, and given back in the person's unit."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from munjang.api import train
from munjang.data.readers import read_table
from munjang.data.readers.targets import clean_numbers
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.recipe import check_given
from munjang.tasks.number_scores import score_numbers
from munjang.tasks.regress import Regress
from munjang.tasks.task import GivesProbabilities

pytestmark = pytest.mark.usefixtures("one_thread")


def make_table(numbers: list[Any]) -> Table:
    texts = [f"text {index}" for index in range(len(numbers))]
    return read_table((texts, numbers), read_labels=clean_numbers)


def fit_task(numbers: list[Any], **settings: Any) -> Regress:
    table = make_table(numbers)
    return Regress.fit(table, table, check_given({"task": "regress", "regress": settings}))


def test_mean_and_scale_are_those_of_training_rows() -> None:
    task = fit_task([1, 2.5, "7", "-3e0"])
    assert task.mean == pytest.approx(np.mean([1, 2.5, 7, -3]))
    assert task.scale == pytest.approx(np.std([1, 2.5, 7, -3]))


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh"])
def test_unit_changes_answers_but_not_loss(loss: str) -> None:
    numbers = [3.0, 4.0, 10.0, 5.5]
    logits = torch.tensor([[0.3], [-1.0], [2.0], [0.0]])
    losses, answers = [], []
    for factor, shift in ((1.0, 0.0), (1000.0, -50.0)):
        changed = [number * factor + shift for number in numbers]
        task = fit_task(changed, loss=loss)
        losses.append(float(task.loss(logits, torch.tensor(changed))))
        answers.append(task.numbers(logits))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert answers[0] * 1000 - 50 == pytest.approx(answers[1])


def best_constant(task: Regress, numbers: list[float]) -> float:
    """The answer that the task's loss likes best, if it must be the same for all rows."""
    logit = torch.zeros(1, 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([logit], max_iter=100, line_search_fn="strong_wolfe")
    targets = torch.tensor(numbers, dtype=torch.float64)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = task.loss(logit.expand(len(numbers), 1), targets)
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return float(task.numbers(logit.detach())[0])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"loss": "mse"}, 4.0),
        ({"loss": "mae"}, 2.0),
        ({"loss": "poisson"}, 4.0),
        ({"loss": "huber", "huber_delta": 100.0}, 4.0),
    ],
)
def test_each_loss_is_minimized_by_its_own_constant(
    settings: dict[str, Any], expected: float
) -> None:
    numbers = [1.0, 1.0, 2.0, 2.0, 14.0]
    task = fit_task(numbers, **settings)
    assert best_constant(task, numbers) == pytest.approx(expected, abs=0.05)


def test_poisson_answers_are_counts_starting_at_the_mean() -> None:
    task = fit_task([0, 1, 5, 2], loss="poisson")
    assert (task.mean, task.scale) == (0.0, 2.0)
    assert task.numbers(torch.tensor([[0.0], [-50.0]])).tolist() == pytest.approx([2.0, 0.0])


def test_poisson_refuses_negative_targets_with_their_row() -> None:
    with pytest.raises(DataError, match=r"row 3: the loss poisson is for counts .* got -2"):
        fit_task([1, 5, -2, -7], loss="poisson")
    with pytest.raises(ConfigError, match=r"regress\.mean"):
        fit_task([1, 5], loss="poisson", mean=3.0)


def test_settings_override_computed_mean_and_scale() -> None:
    task = fit_task([1, 5], mean=2.0, scale=10.0)
    assert (task.mean, task.scale) == (2.0, 10.0)
    assert task.state() == {"regress": {"mean": 2.0, "scale": 10.0}}


def test_equal_targets_are_refused() -> None:
    with pytest.raises(DataError, match=r"numbers that differ in column 'label', .* have 3"):
        Regress.check_rows(make_table([3, "3.0", 3.0]), 2)


@pytest.mark.parametrize("bad", ["good", "nan", "inf", "-Infinity", "1,000", "1_0", "３", True])
def test_non_number_is_named_with_its_row(bad: object) -> None:
    with pytest.raises(DataError, match="row 2: expected a number in column 'label', got"):
        make_table([1, bad, 3])


def test_rows_without_number_are_skipped_if_asked() -> None:
    table = read_table(
        (["a", "b", "c", "d", ""], [1, "x", None, 4, "y"]),
        read_labels=clean_numbers,
        skip_bad_rows=True,
    )
    assert table.targets is not None
    assert table.targets.to_list() == [1.0, 4.0]
    assert table.skipped == {"label is not a number": 1, "missing label": 1, "empty text": 1}


def test_scores_follow_their_definitions() -> None:
    random = np.random.default_rng(0)
    targets = random.normal(5, 2, 50)
    answers = targets + random.normal(0, 1, 50)
    scores = score_numbers(answers, targets)
    errors = answers - targets
    assert scores.mae == pytest.approx(np.abs(errors).mean())
    assert scores.rmse == pytest.approx(np.sqrt((errors**2).mean()))
    assert scores.r2 == pytest.approx(
        1 - (errors**2).sum() / ((targets - targets.mean()) ** 2).sum()
    )
    ranks = stats.rankdata(answers), stats.rankdata(targets)
    assert scores.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert scores.baseline_rmse == pytest.approx(targets.std())


def test_constant_prediction_has_zero_r2_and_no_rank_correlation() -> None:
    scores = score_numbers(np.full(3, 2.0), np.array([1.0, 2.0, 3.0]))
    assert scores.r2 == pytest.approx(0)
    assert scores.rmse == pytest.approx(scores.baseline_rmse)
    assert math.isnan(scores.spearman)
    assert scores.to_json()["spearman"] is None
    assert scores.is_finite


def test_non_finite_answers_give_null_scores() -> None:
    scores = score_numbers(np.array([math.nan, 1.0]), np.array([0.0, 1.0]))
    assert not scores.is_finite
    assert scores.to_json()["mae"] is None


def test_regress_has_no_probabilities() -> None:
    assert not isinstance(Regress(), GivesProbabilities)
    data = [f"a b {row}" for row in range(12)], [float(row) for row in range(12)]
    small = ["model.dim=4", "training.epochs=1", "training.threads=1", "model.ngram_buckets=64"]
    model = train(data, task="regress", model="mean", overrides=small).model
    with pytest.raises(ConfigError, match=r"task regress has no probabilities; use predict\(\)"):
        model.predict_proba(["a"])
