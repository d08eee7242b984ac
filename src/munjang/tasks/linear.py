"""Logistic regression, as baselines and what stands beside a network are solved.

No torch here: a baseline is fitted without it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

INVERSE_PENALTY = 10.0  # TF-IDF rows are short, of norm 1
_MOST_STEPS = 1000


def solve_logistic(
    features: Any,
    targets: npt.NDArray[Any],
    outputs: int,
    *,
    row_weights: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Return weights [outputs, terms] and bias [outputs] of an L2-regularized logistic regression.

    Args:
        features: [rows, terms], SciPy's CSR.
        targets: class numbers [rows], from 0.
        outputs: 1 for the logit of class 1 of two, else one logit a class. A class without rows has
            no weights, and a bias of log(1 / (rows + 1)).
        row_weights: how much each row counts, [rows]; all the same when left out.
    """
    classes = max(2, outputs)
    weights = np.zeros((classes, features.shape[1]))
    bias = np.full(classes, -np.log(len(targets) + 1.0))
    seen, rows = np.unique(targets, return_counts=True)
    if len(seen) == 1 or not features.shape[1]:  # nothing tells rows apart
        bias[seen] = np.log(rows / rows.sum())
    else:
        weights[seen], bias[seen] = _solved(features, targets, row_weights)
    if outputs == 1:  # a logit of two classes is the difference of one logit each
        return np.diff(weights, axis=0), np.diff(bias)
    return weights, bias


def _solved(
    features: Any, targets: npt.NDArray[Any], row_weights: Floats | None
) -> tuple[Floats, Floats]:
    """Return weights [classes seen, terms] and bias [classes seen]."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=_MOST_STEPS)
    model.fit(features, targets, sample_weight=row_weights)
    weights, bias = model.coef_, model.intercept_
    if len(weights) == 1:
        return np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return weights, bias
