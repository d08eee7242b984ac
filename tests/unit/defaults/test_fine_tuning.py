"""Defaults of trainings that begin from a model folder."""

import pytest

from munjang.defaults.fine_tuning import fine_tuning_defaults


def given(model: str, task: str = "classify", **settings: object) -> dict[str, object]:
    return {"input": "text", "task": task, "model": {"name": model, **settings}}


def test_first_step_of_mean_is_small_beside_trained_vectors() -> None:
    rates = fine_tuning_defaults(given("mean", dim=256), 2000)["training"]
    # Adagrad's first step moves each number by the learning rate; vectors have a length of about 1
    assert rates["embedding_learning_rate"] < 0.1 * 256**-0.5
    # the head is random, and has nothing below it that a large step could spoil
    assert rates["learning_rate"] > 10 * rates["embedding_learning_rate"]


@pytest.mark.parametrize(("rows", "epochs"), [(0, 8), (300, 8), (6000, 5), (10**6, 3)])
def test_epochs_follow_from_rows(rows: int, epochs: int) -> None:
    assert fine_tuning_defaults(given("mean"), rows)["training"]["epochs"] == epochs


@pytest.mark.parametrize("task", ["masked_lm", "language", "vectors"])
def test_further_pretraining_has_its_own_defaults(task: str) -> None:
    assert fine_tuning_defaults(given("bert", task), 100) == {}
