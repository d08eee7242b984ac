"""Probabilities of several models as one: a weighted geometric mean, whose weights are learned.

A model that is too sure of itself gets a small weight, one that only repeats another next to none:
the weights are those of the least log loss on labels of rows that no model has seen (stacking:
Wolpert 1992, "Stacked generalization"; logarithmic opinion pools: Genest and Zidek 1986).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# A probability of 0 would overrule all other models.
_LEAST = 1e-6


def pool(probabilities: Sequence[Floats], targets: Ints, fold: Ints) -> Floats:
    """Return one set of probabilities [rows, classes] for those of several models.

    The weights for the rows of a fold are learned on the other folds, so that no row's own label
    has a say in its probabilities.

    Args:
        probabilities: per model [rows, classes], of models that did not see the row's fold.
        targets: class numbers [rows].
        fold: number of each row's fold, [rows].
    """
    logs = np.log(np.clip(np.stack(probabilities), _LEAST, 1))
    pooled: Floats = np.empty_like(logs[0])
    for number in range(int(fold.max()) + 1):
        held, rest = fold == number, fold != number
        weights = find_weights(logs[:, rest], targets[rest])
        pooled[held] = np.exp(_combine(weights, logs[:, held]))
    return pooled


def find_weights(logs: Floats, targets: Ints) -> Floats:
    """Return the weights [models], 0 or more, of the least log loss.

    Args:
        logs: logarithms of probabilities [models, rows, classes].
        targets: class numbers [rows].
    """
    from scipy.optimize import minimize

    rows = np.arange(len(targets))

    def loss(weights: Floats) -> tuple[float, Floats]:
        """Return the mean log loss and its gradient."""
        combined = _combine(weights, logs)
        expected = (np.exp(combined) * logs).sum(2)
        gradient = (expected - logs[:, rows, targets]).mean(1)
        return -float(combined[rows, targets].mean()), gradient

    start = np.full(len(logs), 1 / len(logs))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(logs))
    return np.asarray(found.x)


def _combine(weights: Floats, logs: Floats) -> Floats:
    """Return logarithms of probabilities [rows, classes]."""
    combined = np.tensordot(weights, logs, 1)
    combined -= combined.max(axis=1, keepdims=True)
    combined -= np.log(np.exp(combined).sum(axis=1, keepdims=True))
    return np.asarray(combined)
