"""Pooled probabilities: weights by a slow reference, models that know nothing or repeat another."""

import numpy as np
import pytest

from munjang.diagnosis.pooling import find_weights, pool

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def draw(
    random: np.random.Generator, targets: np.ndarray[tuple[int], np.dtype[np.int64]], known: float
) -> Floats:
    """Probabilities of a model that knows something of three classes."""
    logits = random.normal(0, 1, (len(targets), 3)) + known * np.eye(3)[targets]
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(1, keepdims=True))


def log_loss(
    weights: list[float], logs: Floats, targets: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> float:
    """The reference: row by row."""
    total = 0.0
    for row, target in enumerate(targets):
        powers = [np.exp(sum(w * logs[m, row, c] for m, w in enumerate(weights))) for c in range(3)]
        total -= np.log(powers[target] / sum(powers))
    return total / len(targets)


def test_weights_have_the_least_log_loss() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 3, 200)
    logs = np.log(np.stack([draw(random, targets, known) for known in (2.0, 1.0)]))
    found = find_weights(logs, targets)
    least = log_loss(found.tolist(), logs, targets)
    for first in np.arange(0, 2.01, 0.2):
        for second in np.arange(0, 2.01, 0.2):
            assert least <= log_loss([first, second], logs, targets) + 1e-6
    assert found[0] > found[1] > 0


def test_a_model_that_knows_nothing_has_no_say_and_one_too_sure_is_softened() -> None:
    random = np.random.default_rng(1)
    targets = random.integers(0, 3, 3000)
    good, nothing = draw(random, targets, 1.5), draw(random, targets, 0.0)
    sure = good**3 / (good**3).sum(1, keepdims=True)
    weights = find_weights(np.log(np.stack([sure, nothing])), targets)
    assert weights[0] < 0.7
    assert weights[1] < 0.1


def test_own_labels_have_no_say_and_zeros_are_no_veto() -> None:
    random = np.random.default_rng(2)
    targets, fold = random.integers(0, 3, 300), np.arange(300) % 5
    answers = [draw(random, targets, 1.0), draw(random, targets, 2.0)]
    answers[0][0] = [0.0, 0.0, 1.0]
    pooled = pool(answers, targets, fold)
    assert np.isfinite(pooled).all()
    assert pooled.sum(1) == pytest.approx(np.ones(300))
    assert (pooled > 0).all()
    changed = targets.copy()
    changed[fold == 3] = (changed[fold == 3] + 1) % 3
    again = pool(answers, changed, fold)
    assert np.array_equal(again[fold == 3], pooled[fold == 3])
    assert not np.array_equal(again, pooled)
