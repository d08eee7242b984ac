"""The variance of a score over rows and seeds, and confidence intervals within its range.

A score is the mean over seeds of a metric of the test part. It varies with the rows that the test
part happens to hold, and with the seeds. The variance over rows is the jackknife's
(Tukey 1958; Efron and Stein 1981), that over seeds the sample variance of the runs.
Their sum gets no shared degrees of freedom: each part keeps its own Student quantile, and the
squares of the two lengths are added (Banerjee 1960, "Approximate confidence interval for linear
functions of means of k populations when the population variances are not equal", Sankhya 22),
which never promises more than it keeps, also with two or three seeds.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVEL = 0.95
# More rows than this are left out in groups: per run, as many scores are computed as groups.
_MOST_GROUPS = 1000
# Sums of as many groups as have so many numbers are held at once.
_MOST_AT_ONCE = 2**22


@dataclass(frozen=True, eq=False)
class Tally:
    """A run, judged row by row: a score, and what it is a function of.

    Attributes:
        counts: [rows, numbers], a NumPy array or a sparse array of SciPy; only their sums over
            rows decide.
        figure: From sums [samples, numbers] to the score of each sample of rows, [samples].
    """

    counts: Any
    figure: Callable[[Floats], Floats]

    @property
    def rows(self) -> int:
        """Number of judged rows."""
        return int(self.counts.shape[0])

    def total(self) -> Floats:
        """Return the sums over all rows, [numbers]."""
        return np.asarray(self.counts.sum(0))

    def of(self, rows: Ints) -> float:
        """Return the score of some rows alone."""
        return float(self.figure(np.asarray(self.counts[rows].sum(0))[None])[0])

    def groups(self, order: Ints, starts: Ints) -> Iterator[Floats]:
        """Yield the sums of groups of rows, some groups at a time, [groups, numbers].

        Args:
            order: Places of the rows, one group after the other, [rows].
            starts: Where each group begins, [groups].
        """
        if isinstance(self.counts, np.ndarray):
            yield np.add.reduceat(self.counts[order], starts)
            return
        ends = np.append(starts[1:], len(order))
        together = max(1, _MOST_AT_ONCE // self.counts.shape[1])
        for first in range(0, len(starts), together):
            lengths = (ends - starts)[first : first + together]
            rows = order[starts[first] : starts[first] + lengths.sum()]
            groups = np.repeat(np.arange(len(lengths)), lengths)
            members = sparse_counts(groups, np.arange(len(rows)), (len(lengths), len(rows)))
            yield (members @ self.counts[rows]).toarray()


def mean_tally(values: Floats) -> Tally:
    """Return the mean over rows of `values` [rows]."""
    return ratio_tally(values, np.ones_like(values))


def ratio_tally(values: Floats, sizes: Floats) -> Tally:
    """Return the sum over rows of `values` [rows], divided by that of `sizes` [rows]."""
    return Tally(np.stack([values, sizes], axis=1), _ratio)


def _ratio(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1])


def most_divided(rates: Mapping[str, Floats], sizes: Floats, most: int) -> list[tuple[int, float]]:
    """Return the rows on which models differ most, and the standard deviation over models of each.

    Args:
        rates: score per token or character of each row, [rows] by model.
        sizes: tokens or characters of each row, [rows]; of those below the median, where a single
            one decides, none is returned.
        most: number of rows.
    """
    if len(rates) < 2:
        return []
    spread = np.stack(list(rates.values())).std(0)
    long = np.flatnonzero(sizes >= np.median(sizes))
    rows = long[np.argsort(-spread[long], kind="stable")][:most]
    return [(int(row), float(spread[row])) for row in rows]


def sparse_counts(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Any:
    """Return a sparse array [rows, numbers] with a 1 at each place; at the same place they add up.

    It grows with the rows alone, however many labels there are.
    """
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


@dataclass(frozen=True)
class Interval:
    """A confidence interval from `low` to `high`, at `LEVEL`."""

    low: float
    high: float


@dataclass(frozen=True)
class Scale:
    """The range of a metric, from `lowest` to `highest`; None = unbounded."""

    lowest: float | None
    highest: float | None

    @property
    def width(self) -> float | None:
        """The length of the range; None where an end is missing."""
        if self.lowest is None or self.highest is None:
            return None
        return self.highest - self.lowest

    def of_gaps(self) -> "Scale":
        """Return the range of differences of two such scores."""
        return Scale(None, None) if self.width is None else Scale(-self.width, self.width)


@dataclass(frozen=True)
class Spread:
    """The variance of an estimate, in its two parts.

    Attributes:
        rows: Variance over rows of the test part.
        rows_freedom: Degrees of freedom of `rows`.
        seeds: Variance over seeds; 0 for models without random numbers.
        seeds_freedom: Degrees of freedom of `seeds`.
    """

    rows: float
    rows_freedom: int
    seeds: float = 0.0
    seeds_freedom: int = 0

    def reach(self, tail: float) -> float:
        """Return half the length of an interval that leaves `tail` out on each side."""
        parts = self.rows * student(tail, self.rows_freedom) ** 2
        if self.seeds_freedom:
            parts += self.seeds * student(tail, self.seeds_freedom) ** 2
        return math.sqrt(parts)

    def tail(self, reach: float) -> float:
        """Return what an interval of that half length leaves out on each side; inverts `reach`."""
        squares = self.rows * _quantiles(self.rows_freedom) ** 2
        if self.seeds_freedom:
            squares = squares + self.seeds * _quantiles(self.seeds_freedom) ** 2
        # both fall, and np.interp needs them to rise
        return float(np.exp(np.interp(-(reach**2), -squares, np.log(_TAILS))))


_TAILS = np.geomspace(1e-12, 0.5, 400)


@lru_cache(maxsize=4096)
def student(tail: float, freedom: int) -> float:
    """Return the value that Student's t exceeds with probability `tail`."""
    from scipy.stats import t

    return float(t.isf(tail, freedom))


@lru_cache(maxsize=256)
def _quantiles(freedom: int) -> Floats:
    from scipy.stats import t

    return np.asarray(t.isf(_TAILS, freedom))


def score(run: Tally) -> float:
    """Return the score of one run, every row counted once."""
    return float(run.figure(run.total()[None])[0])


def row_effects(run: Tally) -> Floats:
    """Return how far the score of a run moves when rows are left out, [groups].

    The sum of their squares is the jackknife's variance of the score over rows. Of more than
    `_MOST_GROUPS` rows, groups drawn at random are left out; they are the same in every run of as
    many rows, so that the effects of two runs may be subtracted.
    """
    rows = run.rows
    if rows < 2:
        return np.zeros(1)
    total = run.total()
    order, starts = np.arange(rows), np.arange(rows)
    if rows > _MOST_GROUPS:
        order = np.random.default_rng(0).permutation(rows)
        starts = np.linspace(0, rows, _MOST_GROUPS, endpoint=False).astype(np.int64)
    without = np.concatenate([run.figure(total - sums) for sums in run.groups(order, starts)])
    return np.asarray((without - without.mean()) * math.sqrt(1 - 1 / len(without)))


def interval_within(scale: Scale, value: float, reach: float, rows: int) -> Interval:
    """Return the confidence interval of an estimate, within the range of the metric.

    It contains the values x with (value - x)^2 <= reach^2 v(x) / v(value), where v says how the
    variance of such a score shrinks towards the ends of its range: as that of a share does
    between two ends (Wilson 1927, with the number of rows that would give this variance, as Korn
    and Graubard 1998), as a mean of positive numbers above one end.

    Args:
        scale: Range of the metric; `value` lies in it.
        value: The estimate.
        reach: Half the length of the interval if the range had no ends.
        rows: Rows of the test part; at the very end of the range the variance says nothing.
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
    share = min(max(share, 0.0), 1.0)  # rounding may exceed the range
    c = reach**2 / share_variance(share, rows)
    middle = (share + c / 2) / (1 + c)
    half = math.sqrt(c * share * (1 - share) + c * c / 4) / (1 + c)
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def share_variance(share: float, rows: int) -> float:
    """Return p (1 - p), at least that of a quarter of a row from the ends."""
    end = 1 / (4 * rows)
    kept = min(max(share, end), 1 - end)
    return kept * (1 - kept)


def _above_zero(value: float, reach: float) -> tuple[float, float]:
    # at the very end the variance does not say how it grows
    c = reach * min(reach / max(value, 1e-300), 1000.0)
    half = math.sqrt(c * value + c * c / 4)
    return max(0.0, min(value, value + c / 2 - half)), value + c / 2 + half


def seeds_interval(scores: Sequence[float], scale: Scale, rows: int) -> Interval | None:
    """Return Student's interval of the mean over seeds; None for a single seed."""
    if len(scores) < 2:
        return None
    reach = student((1 - LEVEL) / 2, len(scores) - 1) * np.std(scores, ddof=1)
    return interval_within(
        scale, float(np.mean(scores)), float(reach) / math.sqrt(len(scores)), rows
    )
