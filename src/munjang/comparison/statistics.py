"""What can be said of a difference: intervals over seeds and rows, and a paired test.

Every figure here is a function of sums over rows, so that a bootstrap resample of the rows
(Efron 1979) is one matrix product with how often each row was drawn.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RESAMPLES = 1000
LEVEL = 0.95
_CHUNK_NUMBERS = 2_000_000  # at a time: how often each row is drawn is a matrix [resamples, rows]


@dataclass(frozen=True, eq=False)
class Tally:
    """A run, judged row by row: a figure and what it is a function of.

    Attributes:
        counts: [rows, numbers]; only their sums over rows decide.
        figure: sums [resamples, numbers] to the figure of each resample [resamples].
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
class Difference:
    """How far a model stays behind another one.

    Attributes:
        value: the other's score less this one's; positive = this one is worse, whatever the metric.
        interval: of it, over rows and seeds.
        p: how probable a difference at least as large is when there is none, two-sided.
    """

    value: float
    interval: Interval
    p: float

    @property
    def is_noise(self) -> bool:
        """Whether it may be no difference at all."""
        return self.p >= 1 - LEVEL


def score(run: Tally) -> float:
    """The figure of one run, every row counted once."""
    return float(run.figure(run.counts.sum(0, keepdims=True))[0])


def seeds_interval(scores: Sequence[float]) -> Interval | None:
    """Student's interval of the mean over seeds; None for one seed, which tells nothing of it."""
    if len(scores) < 2:
        return None
    from scipy.stats import t

    reach = float(t.ppf((1 + LEVEL) / 2, len(scores) - 1))
    half = reach * float(np.std(scores, ddof=1)) / math.sqrt(len(scores))
    mean = float(np.mean(scores))
    return Interval(mean - half, mean + half)


def resampled(
    runs: Mapping[str, Sequence[Tally]], *, resamples: int = RESAMPLES
) -> dict[str, Floats]:
    """The mean score over seeds in every resample [resamples], of every model.

    In a resample all models see the same rows, so that their scores may be subtracted; the seeds
    of each model are drawn with replacement too.

    Args:
        runs: by model, each of its seeds; at least one, all of the same rows.
        resamples: how many.
    """
    rows = len(next(iter(runs.values()))[0].counts)
    random = np.random.default_rng(0)
    parts: dict[str, list[Floats]] = {name: [] for name in runs}
    chunk = max(1, min(resamples, _CHUNK_NUMBERS // rows))
    for start in range(0, resamples, chunk):
        count = min(chunk, resamples - start)
        drawn = random.multinomial(rows, np.full(rows, 1 / rows), count).astype(np.float64)
        for name, seeds in runs.items():
            found = np.stack([run.figure(drawn @ run.counts) for run in seeds], axis=1)
            places = random.integers(0, len(seeds), found.shape)
            parts[name].append(np.take_along_axis(found, places, axis=1).mean(1))
    return {name: np.concatenate(found) for name, found in parts.items()}


def percentiles(values: Floats) -> Interval:
    """The interval that leaves the same share of resamples out on each side."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def difference(best: Floats, other: Floats, value: float, *, up: bool) -> Difference:
    """Compare two models on the same resamples.

    Args:
        best: of `resampled`.
        other: likewise.
        value: the score of `best` less that of `other` on the rows as they are.
        up: whether larger is better.
    """
    sign = 1.0 if up else -1.0
    gaps = sign * (best - other)
    beyond = min(int((gaps <= 0).sum()), int((gaps >= 0).sum()))
    p = min(1.0, 2 * (beyond + 1) / (len(gaps) + 1))
    return Difference(sign * value, percentiles(gaps), p)
