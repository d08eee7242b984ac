"""Intervals and limits of a share, from counts."""

import math

# Two-sided level of intervals, and its quantile of the normal distribution.
LEVEL = 0.95
_QUANTILE = 1.959963984540054


def wilson_interval(hits: int, rows: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson (1927); (0, 1) without rows.

    Args:
        hits: number of rows that count.
        rows: number of all rows.
    """
    if not rows:
        return 0.0, 1.0
    z2 = _QUANTILE**2
    share = hits / rows
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = _QUANTILE * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2)) / (1 + z2 / rows)
    # the ends are exact at 0 and 1, which rounding may miss
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == rows else min(1.0, middle + half)


def upper_limit(hits: int, rows: int, miss: float) -> float:
    """Return the exact upper limit of a share by Clopper and Pearson (1934).

    It is the largest share p with P(Binomial(rows, p) <= hits) >= miss, so that it lies below the
    true share with a probability of `miss` at most.

    Args:
        hits: number of rows that count.
        rows: number of all rows.
        miss: probability that the limit does not hold, between 0 and 1.
    """
    from scipy.stats import beta

    return 1.0 if hits >= rows else float(beta.isf(miss, hits + 1, rows - hits))
