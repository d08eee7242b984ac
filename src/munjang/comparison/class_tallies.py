"""Scores of predicted classes as functions of sums over rows."""

import numpy as np

from munjang.comparison.class_answers import ClassAnswers
from munjang.comparison.statistics import Floats, Ints, Tally, mean_tally, sparse_counts

_FLOOR = 1e-15  # of a probability, whose logarithm would be minus infinity


def class_tally(metric: str, answers: ClassAnswers, targets: Ints) -> Tally:
    """Return accuracy, macro_f1 or log_loss of one run against the true classes `targets` [rows].

    Macro F1 counts an F1 of 0 for a class that is neither true nor predicted.
    """
    if metric == "log_loss":
        return mean_tally(-np.log(answers.truth.clip(min=_FLOOR)))
    predicted = answers.likeliest
    if metric == "accuracy":
        return mean_tally((predicted == targets).astype(np.float64))
    rows, hits = np.arange(len(targets)), np.flatnonzero(predicted == targets)
    return f1_tally(
        np.concatenate([rows, rows, hits]),
        np.concatenate([predicted, targets, answers.count + targets[hits]]),
        (len(targets), answers.count),
    )


def f1_tally(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Tally:
    """Return macro F1: the mean over labels of 2 TP / (predicted + true).

    Args:
        rows: The row of each count of 1.
        columns: Its column: the place of a label that is predicted or true, once for each; or
            that place plus the number of labels for a label that is both.
        shape: How many rows and labels there are.
    """
    return Tally(sparse_counts(rows, columns, (shape[0], 2 * shape[1])), _macro_f1)


def _macro_f1(sums: Floats) -> Floats:
    either, both = np.split(sums, 2, axis=1)
    return np.asarray((2 * both / np.maximum(either, 1)).mean(1))
