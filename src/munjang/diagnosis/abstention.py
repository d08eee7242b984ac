"""Thresholds of abstention with a promise about the share of wrong answers.

A classifier that abstains answers the rows whose confidence exceeds a threshold t. Its coverage is
the share of rows that it answers, and its risk R(t) = P(wrong | confidence > t). From n labeled
rows, for several thresholds t_g, upper limits U_g of R(t_g) are computed that all hold at once with
a probability of 1 - delta = 95 % or more. Whoever then chooses the threshold with the most coverage
among those with U_g <= RISK has R <= RISK with that probability, for every RISK that is tried.

Derivation. Let the rows be independent draws from one distribution, the same that answers are given
for later, and let the confidence not depend on them (that of the network alone, without the
temperature that is fitted on the same rows).

1. Ranks m_g = floor(n g / G) for g = 1 ... G are fixed in advance. Sort the rows by confidence, the
   surest first, and let t_g be the confidence at rank m_g + 1 (of rank n + 1: 0, all are answered).
2. Given an order statistic, the rows above it are independent draws from the part of the
   distribution above it. So given t_g and the number N_g of rows with a confidence above t_g (m_g
   of them, fewer if some are equal), the number of wrong ones K_g is Binomial(N_g, R(t_g)).
3. The exact upper limit of Clopper and Pearson (1934) at delta / G therefore misses R(t_g) with a
   probability of delta / G at most, whatever the distribution.
4. By the union bound (Bonferroni) all G limits hold at once with a probability of 1 - delta.

This is Learn then Test (Angelopoulos et al. 2021) with the family-wise error controlled by
Bonferroni; Geifman and El-Yaniv (2017) search by bisection instead, with the same kind of bound.
Fixed sequence testing would spend delta on each test, but it needs thresholds that do not depend on
the rows, and those of a network that is nearly always sure are not known beforehand.
"""

import numpy as np
import numpy.typing as npt

from munjang.diagnosis.intervals import upper_limit
from munjang.tasks.calibration import CoveragePoint

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Number of thresholds G, and the probability that a limit does not hold.
POINTS, MISS = 20, 0.05


def coverage_points(
    confidence: Floats, is_right: Bools, *, points: int = POINTS, miss: float = MISS
) -> tuple[CoveragePoint, ...]:
    """Return thresholds with the upper limits of their risk, the least coverage first.

    Args:
        confidence: of the answer of each row, in (0, 1]; not fitted on these rows, [rows].
        is_right: True for right answers, [rows].
        points: number of thresholds.
        miss: probability that one of the limits does not hold.
    """
    rows = len(confidence)
    order = np.argsort(-confidence, kind="stable")
    ranked, wrong = confidence[order], np.cumsum(~is_right[order])
    found: dict[float, CoveragePoint] = {}
    for number in range(1, points + 1):
        rank = rows * number // points
        threshold = float(ranked[rank]) if rank < rows else 0.0
        answered = int(np.searchsorted(-ranked, -threshold, side="left"))
        if answered:
            errors = int(wrong[answered - 1])
            risk = upper_limit(errors, answered, miss / points)
            found[threshold] = CoveragePoint(
                threshold=threshold, answered=answered, wrong=errors, risk=risk
            )
    return tuple(found.values())
