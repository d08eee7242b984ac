"""Losses have Keras' values for Keras' names, row by row, and take soft targets."""

import math

import numpy as np
import pytest
import torch
from keras import losses as keras_losses
from torch import Tensor

from munjang.layers.losses import (
    LOSSES,
    binary_crossentropy,
    categorical_crossentropy,
    focal,
    hinge,
    kl_divergence,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from munjang.tasks.classify import Classify, ClassifySettings

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS, CLASSES = 24, 5
SMOOTHINGS = pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])


def random_logits_and_targets(classes: int) -> tuple[Tensor, Tensor]:
    """Return logits [rows, classes] that no library needs to clip, and class numbers [rows]."""
    random = np.random.default_rng(classes)
    logits = torch.from_numpy(random.standard_normal((ROWS, classes)).astype(np.float32) * 2)
    return logits, torch.from_numpy(random.integers(0, max(classes, 2), ROWS))


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs.detach().to(ours.dtype), rtol=1e-4, atol=1e-5)


@SMOOTHINGS
def test_binary_crossentropy(smoothing: float) -> None:
    logits, targets = random_logits_and_targets(1)
    theirs = keras_losses.BinaryCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction=None
    )
    assert_same(
        binary_crossentropy(logits, targets, smoothing), theirs(targets[:, None].float(), logits)
    )


@SMOOTHINGS
def test_binary_crossentropy_of_several_labels(smoothing: float) -> None:
    logits, _ = random_logits_and_targets(CLASSES)
    targets = (random_logits_and_targets(CLASSES)[0].flip(0) > 0).float()
    theirs = keras_losses.BinaryCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction=None
    )
    assert_same(binary_crossentropy(logits, targets, smoothing), theirs(targets, logits))


@SMOOTHINGS
def test_categorical_crossentropy(smoothing: float) -> None:
    logits, targets = random_logits_and_targets(CLASSES)
    one_hot = torch.nn.functional.one_hot(targets, CLASSES).float()
    theirs = keras_losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction=None
    )(one_hot, logits)
    assert_same(categorical_crossentropy(logits, one_hot, smoothing), theirs)
    assert_same(categorical_crossentropy(logits, targets, smoothing), theirs)
    assert_same(sparse_categorical_crossentropy(logits, targets, smoothing), theirs)


def test_categorical_crossentropy_of_soft_targets() -> None:
    logits, _ = random_logits_and_targets(CLASSES)
    shares = torch.softmax(random_logits_and_targets(CLASSES)[0].flip(0), dim=1)
    theirs = keras_losses.CategoricalCrossentropy(from_logits=True, reduction=None)
    assert_same(categorical_crossentropy(logits, shares), theirs(shares, logits))


def test_sparse_categorical_crossentropy() -> None:
    logits, targets = random_logits_and_targets(CLASSES)
    theirs = keras_losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    assert_same(sparse_categorical_crossentropy(logits, targets), theirs(targets, logits))


def test_kl_divergence_of_soft_targets_equals_keras() -> None:
    logits, _ = random_logits_and_targets(CLASSES)
    shares = torch.softmax(random_logits_and_targets(CLASSES)[0].flip(0), dim=1)
    theirs = keras_losses.KLDivergence(reduction=None)
    assert_same(kl_divergence(logits, shares), theirs(shares, torch.softmax(logits, dim=1)))
    assert_same(kl_divergence(torch.log(shares), shares), torch.zeros(ROWS))


def test_kl_divergence_of_one_hot_targets_is_cross_entropy() -> None:
    logits, targets = random_logits_and_targets(CLASSES)
    one_hot = torch.nn.functional.one_hot(targets, CLASSES).float()
    assert_same(kl_divergence(logits, one_hot), sparse_categorical_crossentropy(logits, targets))


@pytest.mark.parametrize("below", [0.0, -1.0])
def test_hinge_losses(below: float) -> None:
    outputs, _ = random_logits_and_targets(CLASSES)
    targets = torch.where(random_logits_and_targets(CLASSES)[0].flip(0) > 0, 1.0, below)
    assert_same(hinge(outputs, targets), keras_losses.Hinge(reduction=None)(targets, outputs))
    assert_same(
        squared_hinge(outputs, targets), keras_losses.SquaredHinge(reduction=None)(targets, outputs)
    )


@SMOOTHINGS
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focal_of_many_classes(gamma: float, smoothing: float) -> None:
    logits, targets = random_logits_and_targets(CLASSES)
    one_hot = torch.nn.functional.one_hot(targets, CLASSES).float()
    theirs = keras_losses.CategoricalFocalCrossentropy(
        alpha=1.0, gamma=gamma, from_logits=True, label_smoothing=smoothing, reduction=None
    )
    assert_same(focal(logits, targets, smoothing, gamma=gamma), theirs(one_hot, logits))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_of_one_logit(gamma: float) -> None:
    logits, targets = random_logits_and_targets(1)
    theirs = keras_losses.BinaryFocalCrossentropy(
        apply_class_balancing=False, gamma=gamma, from_logits=True, reduction=None
    )
    assert_same(focal(logits, targets, gamma=gamma), theirs(targets[:, None].float(), logits))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("confidence", [30.0, 200.0])
def test_confident_predictions_have_finite_loss_and_gradient(name: str, confidence: float) -> None:
    classes = 1 if name == "binary_crossentropy" else 3
    logits = torch.full((2, classes), -confidence)
    logits[0, 0] = confidence
    logits.requires_grad_()
    LOSSES[name](logits, torch.tensor([0, 1]), 0.1).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("gamma", [0.0, 0.25, 0.5, 1.0, 2.0])
def test_focal_has_finite_gradient_at_certainty(gamma: float) -> None:
    logits = torch.tensor([[40.0, -40.0, 0.0], [-40.0, 40.0, 0.0]], requires_grad=True)
    focal(logits, torch.tensor([0, 0]), gamma=gamma).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


CLASS_LOSSES = ["categorical_crossentropy", "sparse_categorical_crossentropy", "focal"]


def reference_loss(name: str, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the loss for probabilities [rows, classes] as the papers write it, term by term."""
    losses = []
    for row, target in zip(logits.double().tolist(), targets.double().tolist(), strict=True):
        scores = [0.0, *row] if len(row) == 1 else row  # one logit: that of the second class
        total = sum(math.exp(score) for score in scores)
        loss = 0.0
        for score, share in zip(scores, target, strict=True):
            p = math.exp(score) / total
            share = share * (1 - smoothing) + smoothing / len(scores)
            loss -= share * (1 - p) ** (2.0 if name == "focal" else 0.0) * math.log(p)
        losses.append(loss)
    return torch.tensor(losses)


@SMOOTHINGS
@pytest.mark.parametrize(
    ("name", "classes"),
    [*((name, CLASSES) for name in CLASS_LOSSES), ("binary_crossentropy", 1), ("focal", 1)],
)
def test_soft_targets_give_expected_loss(name: str, classes: int, smoothing: float) -> None:
    logits, _ = random_logits_and_targets(classes)
    soft = torch.softmax(random_logits_and_targets(max(classes, 2))[0].flip(0), dim=1)
    result = LOSSES[name](logits, soft, smoothing)
    assert result.shape == (ROWS,)
    torch.testing.assert_close(
        result,
        reference_loss(name, logits, soft, smoothing),
        rtol=1e-5,
        atol=1e-6,
        check_dtype=False,
    )


@SMOOTHINGS
@pytest.mark.parametrize(
    ("name", "classes"),
    [*((name, CLASSES) for name in CLASS_LOSSES), ("binary_crossentropy", 1), ("focal", 1)],
)
def test_one_hot_targets_equal_class_numbers(name: str, classes: int, smoothing: float) -> None:
    logits, targets = random_logits_and_targets(classes)
    certain = torch.nn.functional.one_hot(targets, max(classes, 2)).float()
    by_number, by_share = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    first = LOSSES[name](by_number, targets, smoothing)
    second = LOSSES[name](by_share, certain, smoothing)
    torch.testing.assert_close(first, second, rtol=1e-6, atol=1e-7)
    first.mean().backward()
    second.mean().backward()
    torch.testing.assert_close(by_number.grad, by_share.grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("labels", [2, 3])
def test_classify_learns_from_soft_targets(labels: int) -> None:
    task = Classify(tuple("abc"[:labels]), ClassifySettings())
    soft = torch.softmax(random_logits_and_targets(labels)[0], dim=1)
    logits = torch.zeros(ROWS, task.outputs, requires_grad=True)
    for _ in range(400):
        (gradient,) = torch.autograd.grad(task.loss(logits, soft) * ROWS, logits)
        with torch.no_grad():
            logits -= gradient
    result = torch.from_numpy(task.probabilities(logits.detach()))
    torch.testing.assert_close(result.float(), soft, rtol=0, atol=0.01)
