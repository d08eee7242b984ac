"""Metrics of regression, by scikit-learn and SciPy."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from munjang.tasks.task import Floats


@dataclass(frozen=True)
class NumberScores:
    """How near the numbers are.

    Attributes:
        rows: how many rows were judged.
        mae: mean absolute error, in the unit of the numbers.
        rmse: root of the mean squared error, in the same unit.
        spearman: rank correlation, -1 to 1; NaN where all numbers or all answers are equal.
        r2: share of the variance that is explained; 0 for always answering with the mean of the
            rows, below for worse. NaN where all numbers are equal.
        baseline_rmse: standard deviation of the numbers: the RMSE of always answering with their
            mean.
    """

    rows: int
    mae: float
    rmse: float
    spearman: float
    r2: float
    baseline_rmse: float

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of the whole, by name."""
        return {"mae": self.mae, "rmse": self.rmse, "spearman": self.spearman, "r2": self.r2}

    @property
    def is_finite(self) -> bool:
        """Whether the answers were finite numbers."""
        return math.isfinite(self.rmse)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return {k: v if math.isfinite(v) else None for k, v in asdict(self).items()}


def score_numbers(answers: Floats, targets: Floats) -> NumberScores:
    """Judge `answers` [rows] against `targets` [rows]."""
    # imported here: they take a second, and answering needs no metrics
    from scipy.stats import spearmanr
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    rows, spread = len(targets), float(targets.std())
    if not np.isfinite(answers).all():
        return NumberScores(rows, math.nan, math.nan, math.nan, math.nan, spread)
    ranked = np.ptp(answers) > 0 and spread > 0
    return NumberScores(
        rows=rows,
        mae=float(mean_absolute_error(targets, answers)),
        rmse=float(root_mean_squared_error(targets, answers)),
        spearman=float(spearmanr(answers, targets).statistic) if ranked else math.nan,
        r2=float(r2_score(targets, answers)) if spread > 0 else math.nan,
        baseline_rmse=spread,
    )
