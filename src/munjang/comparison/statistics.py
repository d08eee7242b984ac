"""What can be said of a difference: intervals over seeds and rows, and a paired test.

Every metric here is a function of sums over rows, so that a bootstrap resample of the rows
(Efron 1979) is one matrix product with how often each row was drawn.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Metric = Literal["accuracy", "macro_f1", "log_loss"]

RESAMPLES = 1000
LEVEL = 0.95
_CHUNK_NUMBERS = 2_000_000  # at a time: how often each row is drawn is a matrix [resamples, rows]
_FLOOR = 1e-15  # a probability of nothing would cost endlessly


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


def score(metric: Metric, probabilities: Floats, targets: Ints) -> float:
    """The metric of one run: `probabilities` [rows, classes] of true classes `targets` [rows]."""
    every_row_once = np.ones((1, len(targets)))
    return float(_scores(metric, probabilities, targets, every_row_once)[0])


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
    metric: Metric,
    runs: Mapping[str, Sequence[Floats]],
    targets: Ints,
    *,
    resamples: int = RESAMPLES,
) -> dict[str, Floats]:
    """The mean score over seeds in every resample [resamples], of every model.

    In a resample all models see the same rows, so that their scores may be subtracted; the seeds
    of each model are drawn with replacement too.

    Args:
        metric: which.
        runs: by model, the probabilities [rows, classes] of each of its seeds.
        targets: true classes [rows].
        resamples: how many.
    """
    rows, random = len(targets), np.random.default_rng(0)
    parts: dict[str, list[Floats]] = {name: [] for name in runs}
    chunk = max(1, min(resamples, _CHUNK_NUMBERS // rows))
    for start in range(0, resamples, chunk):
        count = min(chunk, resamples - start)
        drawn = random.multinomial(rows, np.full(rows, 1 / rows), count).astype(np.float64)
        for name, seeds in runs.items():
            found = np.stack([_scores(metric, run, targets, drawn) for run in seeds], axis=1)
            places = random.integers(0, len(seeds), found.shape)
            parts[name].append(np.take_along_axis(found, places, axis=1).mean(1))
    return {name: np.concatenate(found) for name, found in parts.items()}


def percentiles(values: Floats) -> Interval:
    """The interval that leaves the same share of resamples out on each side."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def difference(metric: Metric, best: Floats, other: Floats, value: float) -> Difference:
    """Compare two models on the same resamples.

    Args:
        metric: decides which direction is worse.
        best: of `resampled`.
        other: likewise.
        value: the score of `best` less that of `other` on the rows as they are.
    """
    sign = -1.0 if metric == "log_loss" else 1.0
    gaps = sign * (best - other)
    beyond = min(int((gaps <= 0).sum()), int((gaps >= 0).sum()))
    p = min(1.0, 2 * (beyond + 1) / (len(gaps) + 1))
    return Difference(sign * value, percentiles(gaps), p)


def _scores(metric: Metric, probabilities: Floats, targets: Ints, drawn: Floats) -> Floats:
    """The metric under each of the row counts `drawn` [resamples, rows]."""
    rows = drawn.sum(1)
    if metric == "log_loss":
        right = probabilities[np.arange(len(targets)), targets]
        return np.asarray(drawn @ -np.log(right.clip(min=_FLOOR)) / rows)
    guesses = probabilities.argmax(1)
    if metric == "accuracy":
        return np.asarray(drawn @ (guesses == targets).astype(np.float64) / rows)
    return _macro_f1(guesses, targets, probabilities.shape[1], drawn)


def _macro_f1(guesses: Ints, targets: Ints, classes: int, drawn: Floats) -> Floats:
    """The mean of 2 TP / (guessed + true) over all classes; 0 for one that is in neither."""
    one_hot = np.eye(classes)
    guessed, true = drawn @ one_hot[guesses], drawn @ one_hot[targets]
    both = drawn @ (one_hot[guesses] * one_hot[targets])
    return np.asarray((2 * both / np.maximum(guessed + true, 1)).mean(1))
