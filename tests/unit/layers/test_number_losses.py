"""Losses over numbers have Keras' values for Keras' names, row by row."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from keras import losses as keras_losses
from torch import Tensor

from munjang.layers.number_losses import NUMBER_LOSSES, huber, log_cosh, poisson

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = 24
KERAS_LOSSES: dict[str, Any] = {
    "mean_squared_error": keras_losses.MeanSquaredError,
    "mean_absolute_error": keras_losses.MeanAbsoluteError,
    "huber": keras_losses.Huber,
    "log_cosh": keras_losses.LogCosh,
    "cosine_similarity": keras_losses.CosineSimilarity,
}


def random_outputs_and_targets(outputs: int) -> tuple[Tensor, Tensor]:
    """Outputs and targets [rows, outputs]."""
    random = np.random.default_rng(outputs)
    drawn = random.standard_normal((2, ROWS, outputs)).astype(np.float32) * 3
    return torch.from_numpy(drawn[0]), torch.from_numpy(drawn[1])


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs.detach().to(ours.dtype), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("outputs", [1, 5])
@pytest.mark.parametrize("name", KERAS_LOSSES)
def test_losses_equal_keras(name: str, outputs: int) -> None:
    settings, targets = random_outputs_and_targets(outputs)
    rows = NUMBER_LOSSES[name](settings, targets)
    assert rows.shape == (ROWS,)
    assert_same(rows, KERAS_LOSSES[name](reduction=None)(targets, settings))


@pytest.mark.parametrize("delta", [0.3, 1.0, 4.0])
def test_huber_is_linear_beyond_delta(delta: float) -> None:
    outputs, targets = random_outputs_and_targets(3)
    theirs = keras_losses.Huber(delta=delta, reduction=None)
    assert_same(huber(outputs, targets, delta=delta), theirs(targets, outputs))


@pytest.mark.parametrize("outputs", [1, 5])
def test_poisson_of_log_counts_equals_keras_poisson(outputs: int) -> None:
    log_counts, other = random_outputs_and_targets(outputs)
    counts = other.abs().round()
    assert_same(
        poisson(log_counts, counts),
        keras_losses.Poisson(reduction=None)(counts, torch.exp(log_counts)),
    )


def test_poisson_is_minimal_at_target() -> None:
    targets = torch.tensor([[1.0], [4.0]])
    log_counts = torch.log(targets).requires_grad_()
    poisson(log_counts, targets).sum().backward()
    assert log_counts.grad is not None
    assert log_counts.grad.flatten().tolist() == pytest.approx([0, 0], abs=1e-6)


def test_log_cosh_of_large_errors_is_finite_with_gradient() -> None:
    outputs = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    rows = log_cosh(outputs, torch.zeros(2, 1))
    assert rows.tolist() == pytest.approx([1e4 - math.log(2)] * 2)
    rows.sum().backward()
    assert outputs.grad is not None
    assert outputs.grad.flatten().tolist() == pytest.approx([1, -1])


def test_every_loss_is_compared_with_keras() -> None:
    assert set(NUMBER_LOSSES) == {*KERAS_LOSSES, "poisson"}


def test_cosine_similarity_of_zero_vector_is_zero() -> None:
    outputs, targets = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    rows = NUMBER_LOSSES["cosine_similarity"](outputs, targets)
    assert_same(rows, KERAS_LOSSES["cosine_similarity"](reduction=None)(targets, outputs))
    assert rows.tolist() == [0, 0]
