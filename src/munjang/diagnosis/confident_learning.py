"""Likely wrong labels by confident learning.

Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels".

Given probabilities of a model that did not see the row, a class counts for a row if its probability
reaches the class's threshold, the mean probability of the class over the rows that have its label:

    t_j = mean of p_j over the rows given j

The class with the highest probability among those is the likely true one. Rows where it differs
from the given label are the off-diagonal of the paper's confident joint. Thresholds per class make
up for a model that is surer of one class than of another.

Rows are ranked by their normalized margin, p_given - max p_other. Self-confidence, p_given alone,
also puts texts first that the model knows nothing about, where all classes are unlikely: those are
seldom wrong labels. With two classes both rankings are the same.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RankedIssues:
    """Rows whose label is likely wrong.

    Attributes:
        rows: their indices, the likeliest first.
        suggested: the likely true class of each, [issues].
        thresholds: threshold of each class, [classes]; NaN of a class without rows.
    """

    rows: Ints
    suggested: Ints
    thresholds: Floats


def normalized_margins(probabilities: Floats, targets: Ints) -> Floats:
    """Return p_given - max p_other of each row [rows]; the lowest are the likeliest issues.

    Args:
        probabilities: of a model that did not see the row, [rows, classes].
        targets: given class numbers [rows].
    """
    places = np.arange(len(targets))
    others = probabilities.copy()
    others[places, targets] = -np.inf
    margins: Floats = probabilities[places, targets] - others.max(1)
    return margins


def rank_issues(probabilities: Floats, targets: Ints) -> RankedIssues:
    """Return the rows whose label is likely wrong, ranked.

    A row is one if its likely true class differs from the given one, and is more probable.

    Args:
        probabilities: of a model that did not see the row, [rows, classes].
        targets: given class numbers [rows].
    """
    places = np.arange(len(targets))
    given = probabilities[places, targets]
    classes = probabilities.shape[1]
    counts = np.bincount(targets, minlength=classes)
    with np.errstate(invalid="ignore"):
        thresholds = np.bincount(targets, weights=given, minlength=classes) / counts
    # nothing reaches NaN: a class that no row is given is never suggested
    likely = np.where(probabilities >= thresholds, probabilities, -np.inf)
    best = likely.argmax(1)
    is_issue = (best != targets) & (likely[places, best] > given)
    rows = np.flatnonzero(is_issue)
    margins = normalized_margins(probabilities, targets)
    ranked = rows[np.argsort(margins[rows], kind="stable")]
    return RankedIssues(ranked, best[ranked], thresholds)
