"""Metrics of regression by scikit-learn and SciPy."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.metric_table import fields_to_json
from munjang.tasks.task import Floats


@dataclass(frozen=True, repr=False)
class NumberScores(DisplayedScores):
    """Scores of regression.

    Attributes:
        rows: number of scored rows.
        mae: mean absolute error, in the unit of the numbers.
        rmse: root mean squared error, in the same unit.
        spearman: rank correlation, -1 to 1; NaN if all numbers or all answers are equal.
        r2: share of explained variance; 0 for a constant answer of the mean, negative if worse;
            NaN if all numbers are equal.
        baseline_rmse: RMSE of a constant answer of the mean: the standard deviation of the numbers.
    """

    rows: int
    mae: float
    rmse: float
    spearman: float
    r2: float
    baseline_rmse: float

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all rows, by name."""
        return {"mae": self.mae, "rmse": self.rmse, "spearman": self.spearman, "r2": self.r2}

    @property
    def is_finite(self) -> bool:
        """True if all answers were finite."""
        return math.isfinite(self.rmse)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return fields_to_json(self)


def score_numbers(answers: Floats, targets: Floats) -> NumberScores:
    """Score `answers` [rows] against `targets` [rows]."""
    # imported here, as the import takes a second and prediction needs no metrics
    from scipy.stats import spearmanr
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    rows, deviation = len(targets), float(targets.std())
    if not np.isfinite(answers).all():
        return NumberScores(rows, math.nan, math.nan, math.nan, math.nan, deviation)
    has_ranks = np.ptp(answers) > 0 and deviation > 0
    return NumberScores(
        rows=rows,
        mae=float(mean_absolute_error(targets, answers)),
        rmse=float(root_mean_squared_error(targets, answers)),
        spearman=float(spearmanr(answers, targets).statistic) if has_ranks else math.nan,
        r2=float(r2_score(targets, answers)) if deviation > 0 else math.nan,
        baseline_rmse=deviation,
    )
