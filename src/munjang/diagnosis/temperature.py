"""The temperature that calibrates a classifier.

Guo et al. 2017, "On calibration of modern neural networks".

    p = softmax(z / T)

T > 1 flattens probabilities that are too sure, T < 1 sharpens them. The order of the classes never
changes, and so neither does the answer.
"""

import math

import numpy as np
import numpy.typing as npt

from munjang.tasks.calibration import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def fit_temperature(logits: Floats, targets: Ints) -> float:
    """Return the temperature with the least log loss.

    The loss is convex in 1 / T, so that its slope has one zero, which bisection finds. It may lie
    beyond the bounds of `munjang.tasks.calibration`: if all rows are right, the surer the better.

    Args:
        logits: [rows, classes].
        targets: class numbers [rows].
    """
    from scipy.optimize import brentq

    true = logits[np.arange(len(targets)), targets]

    def slope(inverse: float) -> float:
        expected = (apply_temperature(logits, 1 / inverse) * logits).sum(1)
        return float((expected - true).mean())

    low, high = 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE
    if slope(low) >= 0:
        return HIGHEST_TEMPERATURE
    if slope(high) <= 0:
        return LOWEST_TEMPERATURE
    inverse = float(brentq(slope, low, high, xtol=1e-9))
    return min(max(1 / inverse, LOWEST_TEMPERATURE), HIGHEST_TEMPERATURE)


def apply_temperature(logits: Floats, temperature: float) -> Floats:
    """Return probabilities [rows, classes] of logits [rows, classes] at a temperature."""
    scaled = logits / temperature
    powers: Floats = np.exp(scaled - scaled.max(1, keepdims=True))
    powers /= powers.sum(1, keepdims=True)
    return powers


def cross_fit(logits: Floats, targets: Ints, *, folds: int = 5, seed: int = 0) -> Floats:
    """Return probabilities [rows, classes], each row's temperature fitted without its fold.

    Scores of these are not flattered by the rows that the temperature was fitted on.

    Args:
        logits: [rows, classes].
        targets: class numbers [rows].
        folds: number of parts; fewer rows have a part each.
        seed: random seed of the parts.
    """
    rows = len(targets)
    folds = min(folds, rows)
    fold = np.random.default_rng(seed).permutation(np.arange(rows) % folds)
    probabilities = np.empty_like(logits)
    for number in range(folds):
        held = fold == number
        rest = ~held if folds > 1 else held
        temperature = fit_temperature(logits[rest], targets[rest])
        probabilities[held] = apply_temperature(logits[held], temperature)
    return probabilities


def log_loss(probabilities: Floats, targets: Ints) -> float:
    """Return the mean of -log(probability of the true class), in nats."""
    true = probabilities[np.arange(len(targets)), targets]
    return float(-np.log(true.clip(min=math.ulp(0.0))).mean())
