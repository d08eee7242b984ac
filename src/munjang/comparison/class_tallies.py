"""Figures of guessed classes as functions of sums over rows."""

import numpy as np

from munjang.comparison.statistics import Floats, Ints, Tally

METRICS = ("accuracy", "macro_f1", "log_loss")
_FLOOR = 1e-15  # a probability of nothing would cost endlessly


def class_tally(metric: str, probabilities: Floats, targets: Ints) -> Tally:
    """One of `METRICS` of one run: `probabilities` [rows, classes], true classes `targets` [rows].

    That of macro_f1 counts an F1 of 0 for a class that is neither true nor guessed.
    """
    if metric == "log_loss":
        right = probabilities[np.arange(len(targets)), targets]
        return _mean(-np.log(right.clip(min=_FLOOR)))
    guesses = probabilities.argmax(1)
    if metric == "accuracy":
        return _mean((guesses == targets).astype(np.float64))
    one_hot = np.eye(probabilities.shape[1])
    guessed, true = one_hot[guesses], one_hot[targets]
    return Tally(np.hstack([guessed + true, guessed * true]), _macro_f1)


def _mean(values: Floats) -> Tally:
    return Tally(np.stack([values, np.ones_like(values)], axis=1), _ratio)


def _ratio(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1])


def _macro_f1(sums: Floats) -> Floats:
    """The mean over classes of 2 TP / (guessed + true)."""
    either, both = np.split(sums, 2, axis=1)
    return np.asarray((2 * both / np.maximum(either, 1)).mean(1))
