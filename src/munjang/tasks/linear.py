"""Logistic regression for baselines and linear ensembles.

It does not import torch, so that baselines are fitted without it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

INVERSE_PENALTY = 10.0  # rows of TF-IDF features have norm 1
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
        features: sparse matrix [rows, terms] in SciPy's CSR format.
        targets: class numbers [rows], from 0.
        outputs: 1 for the logit of class 1 of two, else one logit per class. A class without rows
            has weights of 0 and a bias of log(1 / (rows + 1)).
        row_weights: weight of each row, [rows]; equal if omitted.
    """
    classes = max(2, outputs)
    weights = np.zeros((classes, features.shape[1]))
    bias = np.full(classes, -np.log(len(targets) + 1.0))
    seen, rows = np.unique(targets, return_counts=True)
    if len(seen) == 1 or not features.shape[1]:  # one class, or no features
        bias[seen] = np.log(rows / rows.sum())
    else:
        weights[seen], bias[seen] = _solve_seen(features, targets, row_weights)
    if outputs == 1:  # the binary logit is the difference of both
        return np.diff(weights, axis=0), np.diff(bias)
    return weights, bias


def _solve_seen(
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
