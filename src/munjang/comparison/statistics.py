"""What can be said of a score: how far rows and seeds move it, and an interval within its range.

A score is the mean over seeds of a figure of the test part. Two chances are in it: which rows the
test part happens to hold, and which seeds were drawn. The variance over rows is the jackknife's
(Tukey 1958; Efron and Stein 1981), that over seeds the sample variance of the runs.
Their sum gets no shared degrees of freedom: each part keeps its own Student quantile, and the
squares of the two lengths are added (Banerjee 1960, "Approximate confidence interval for linear
functions of means of k populations when the population variances are not equal", Sankhya 22),
which never promises more than it keeps, also with two or three seeds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVEL = 0.95
# More rows than this are left out in groups: as many figures are computed for a run as groups.
_MOST_GROUPS = 1000


@dataclass(frozen=True, eq=False)
class Tally:
    """A run, judged row by row: a figure and what it is a function of.

    Attributes:
        counts: [rows, numbers]; only their sums over rows decide.
        figure: sums [samples, numbers] to the figure of each sample of rows [samples].
    """

    counts: Floats
    figure: Callable[[Floats], Floats]

    def of(self, rows: Ints) -> float:
        """The figure of some rows alone."""
        return float(self.figure(self.counts[rows].sum(0, keepdims=True))[0])


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, at `LEVEL`."""

    low: float
    high: float


@dataclass(frozen=True)
class Scale:
    """The values that a figure can take, from `lowest` to `highest`; None = no end there."""

    lowest: float | None
    highest: float | None

    @property
    def width(self) -> float | None:
        """From one end to the other, where there are two."""
        if self.lowest is None or self.highest is None:
            return None
        return self.highest - self.lowest

    def of_gaps(self) -> "Scale":
        """The scale of differences of two such figures."""
        return Scale(None, None) if self.width is None else Scale(-self.width, self.width)


@dataclass(frozen=True)
class Spread:
    """The variance of an estimate, in its two parts.

    Attributes:
        rows: variance that comes of the rows of the test part.
        rows_freedom: degrees of freedom of `rows`.
        seeds: variance that comes of the seeds; 0 where there is no chance.
        seeds_freedom: degrees of freedom of `seeds`.
    """

    rows: float
    rows_freedom: int
    seeds: float = 0.0
    seeds_freedom: int = 0

    def reach(self, tail: float) -> float:
        """Half the length of an interval that leaves `tail` out on each side."""
        parts = self.rows * student(tail, self.rows_freedom) ** 2
        if self.seeds_freedom:
            parts += self.seeds * student(tail, self.seeds_freedom) ** 2
        return math.sqrt(parts)

    def tail(self, reach: float) -> float:
        """What an interval of that half length leaves out on each side: the inverse of `reach`."""
        squares = self.rows * _quantiles(self.rows_freedom) ** 2
        if self.seeds_freedom:
            squares = squares + self.seeds * _quantiles(self.seeds_freedom) ** 2
        # both run downwards, and np.interp wants them upwards
        return float(np.exp(np.interp(-(reach**2), -squares, np.log(_TAILS))))


_TAILS = np.geomspace(1e-12, 0.5, 400)


@lru_cache(maxsize=4096)
def student(tail: float, freedom: int) -> float:
    """The value that Student's t exceeds with probability `tail`."""
    from scipy.stats import t

    return float(t.isf(tail, freedom))


@lru_cache(maxsize=256)
def _quantiles(freedom: int) -> Floats:
    from scipy.stats import t

    return np.asarray(t.isf(_TAILS, freedom))


def score(run: Tally) -> float:
    """The figure of one run, every row counted once."""
    return float(run.figure(run.counts.sum(0, keepdims=True))[0])


def row_effects(run: Tally) -> Floats:
    """How far the score of a run moves when rows are left out, [groups].

    The sum of their squares is the jackknife's variance of the score over rows. With more than
    some hundred rows, groups of rows drawn at random are left out; they are the same in every run
    of as many rows, so that the effects of two runs may be subtracted.
    """
    rows = len(run.counts)
    if rows < 2:
        return np.zeros(1)
    sums = run.counts.sum(0)
    if rows <= _MOST_GROUPS:
        left_out = run.counts
    else:
        order = np.random.default_rng(0).permutation(rows)
        starts = np.linspace(0, rows, _MOST_GROUPS, endpoint=False).astype(np.int64)
        left_out = np.add.reduceat(run.counts[order], starts)
    without = run.figure(sums - left_out)
    return np.asarray((without - without.mean()) * math.sqrt(1 - 1 / len(without)))


def interval_within(scale: Scale, value: float, reach: float, rows: int) -> Interval:
    """The interval of an estimate, which keeps to the range of the figure.

    It holds the values x with (value - x)^2 <= reach^2 v(x) / v(value), where v says how the
    variance of such a figure shrinks towards the ends of its range: as that of a share does
    between two ends (Wilson 1927, with the number of rows that would give this variance, as Korn
    and Graubard 1998), as a mean of positive numbers above one end.

    Args:
        scale: the range of the figure; `value` lies in it.
        value: the estimate.
        reach: half the length of the interval, were there no ends.
        rows: of the test part; at the very end of the range the variance says nothing.
    """
    if scale.width is not None:
        assert scale.lowest is not None
        low, high = _within_unit((value - scale.lowest) / scale.width, reach / scale.width, rows)
        return Interval(scale.lowest + scale.width * low, scale.lowest + scale.width * high)
    if scale.lowest is not None:
        low, high = _above_zero(value - scale.lowest, reach)
        return Interval(scale.lowest + low, scale.lowest + high)
    if scale.highest is not None:
        low, high = _above_zero(scale.highest - value, reach)
        return Interval(scale.highest - high, scale.highest - low)
    return Interval(value - reach, value + reach)


def _within_unit(share: float, reach: float, rows: int) -> tuple[float, float]:
    share = min(max(share, 0.0), 1.0)  # sums of floats may end a hair beyond
    c = reach**2 / share_variance(share, rows)
    middle = (share + c / 2) / (1 + c)
    half = math.sqrt(c * share * (1 - share) + c * c / 4) / (1 + c)
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def share_variance(share: float, rows: int) -> float:
    """p (1 - p), but never less than a quarter of a row from the ends gives."""
    end = 1 / (4 * rows)
    kept = min(max(share, end), 1 - end)
    return kept * (1 - kept)


def _above_zero(value: float, reach: float) -> tuple[float, float]:
    # at the very end the variance says nothing of how it grows
    c = reach * min(reach / max(value, 1e-300), 1000.0)
    half = math.sqrt(c * value + c * c / 4)
    return max(0.0, min(value, value + c / 2 - half)), value + c / 2 + half


def seeds_interval(scores: Sequence[float], scale: Scale, rows: int) -> Interval | None:
    """Student's interval of the mean over seeds; None for one seed, which tells nothing of it."""
    if len(scores) < 2:
        return None
    reach = student((1 - LEVEL) / 2, len(scores) - 1) * np.std(scores, ddof=1)
    return interval_within(
        scale, float(np.mean(scores)), float(reach) / math.sqrt(len(scores)), rows
    )
