"""The gap of each model to the best: its size, its significance and its upper bound.

The best is picked on the rows that judge it, so a gap to it is the largest of many: every pair of
models counts as one comparison at Sidak's level, so that the probability of one false "worse" in a
whole table of equal models is at most 5% (as Tamhane 1979, "A
comparison of procedures for multiple comparisons of means with unequal variances", JASA 74).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from munjang.comparison.statistics import (
    LEVEL,
    Floats,
    Interval,
    Scale,
    Spread,
    Tally,
    interval_within,
    row_effects,
    score,
    share_variance,
    student,
)


@dataclass(frozen=True, eq=False)
class Measured:
    """All runs of one model on the test part.

    Attributes:
        scores: Score of each run.
        effects: Mean over runs of their `row_effects`, [groups].
        rows: Rows of the test part.
        chance: True if another seed would give another model.
    """

    scores: tuple[float, ...]
    effects: Floats
    rows: int
    chance: bool

    @classmethod
    def of(cls, runs: Sequence[Tally], *, chance: bool) -> "Measured":
        """Return the runs of one model; at least one."""
        effects = np.mean([row_effects(run) for run in runs], axis=0)
        return cls(tuple(map(score, runs)), effects, runs[0].rows, chance)

    @property
    def score(self) -> float:
        """The mean over runs."""
        return float(np.mean(self.scores))

    @property
    def one_of_many(self) -> bool:
        """True for a single run of a network: another seed may give another score."""
        return self.chance and len(self.scores) < 2


@dataclass(frozen=True)
class Difference:
    """The gap of a model to the best.

    Attributes:
        value: The best score minus this one; positive = this one is worse, whatever the metric.
        interval: Simultaneous interval of the gap, over rows and seeds.
        p: Probability of a gap at least as large anywhere in a table of equal models.
        at_most: One-sided upper bound of the gap to any other model.
        significant_from: Smallest gap that would be significant here; the whole range of the
            metric if there is none.
        as_trained: True if one of the two has a single run: the verdict is of trained models only.
        rows_needed: About how many rows of a test part would show an equal model to be good enough.
        seeds_needed: About how many seeds would.
    """

    value: float
    interval: Interval
    p: float
    at_most: float
    significant_from: float
    as_trained: bool
    rows_needed: int
    seeds_needed: int

    @property
    def is_worse(self) -> bool:
        """True if the gap is significant."""
        return self.interval.low > 0


@dataclass(frozen=True)
class Gaps:
    """Compares models that were judged on the same rows.

    Attributes:
        models: By name.
        scale: Range of the metric.
        up: True if larger is better.
    """

    models: Mapping[str, Measured]
    scale: Scale
    up: bool

    def behind(self, best: str, name: str, margin: float) -> Difference:
        """Return the gap of `name` to `best`, compared with a margin."""
        value, spread = self._gap(best, name), self._spread(best, name)
        rows = self.models[name].rows
        reach = spread.reach(self._two_sided)
        rows_needed, seeds_needed = self._needed(spread, rows, margin)
        return Difference(
            value=value,
            interval=interval_within(self.scale.of_gaps(), value, reach, rows),
            p=self._p(value, spread, rows),
            at_most=max(self._at_most(other, name) for other in self.models if other != name),
            significant_from=self._significant_from(reach),
            as_trained=self.models[best].one_of_many or self.models[name].one_of_many,
            rows_needed=rows_needed,
            seeds_needed=seeds_needed,
        )

    def over_rows(self, name: str) -> Interval:
        """Return the confidence interval of a score, over rows and seeds."""
        one = self.models[name]
        spread = self._spread(name)
        return interval_within(self.scale, one.score, spread.reach((1 - LEVEL) / 2), one.rows)

    @property
    def _two_sided(self) -> float:
        """The tail of each pair of models."""
        pairs = max(1, len(self.models) * (len(self.models) - 1) // 2)
        return float((1 - LEVEL ** (1 / pairs)) / 2)

    @property
    def _one_sided(self) -> float:
        """The tail of each model's bound: only the one to the true best has to hold."""
        return float(1 - LEVEL ** (1 / max(1, len(self.models) - 1)))

    def _gap(self, better: str, worse: str) -> float:
        gap = self.models[better].score - self.models[worse].score
        return gap if self.up else -gap

    def _at_most(self, other: str, name: str) -> float:
        value, reach = self._gap(other, name), self._spread(other, name).reach(self._one_sided)
        rows = self.models[name].rows
        return interval_within(self.scale.of_gaps(), value, reach, rows).high

    def _spread(self, name: str, other: str | None = None) -> Spread:
        """Return the spread of a model's score, or of the gap between two."""
        models = [self.models[one] for one in (name, other) if one is not None]
        effects = models[0].effects if other is None else models[0].effects - models[1].effects
        worth = self._row_worth() * len(models)
        pooled, freedom = self._pooled
        seeds = 0.0
        for one in models:
            if len(one.scores) > 1:
                # a few seeds may agree by chance
                seeds += max(pooled, float(np.var(one.scores, ddof=1))) / len(one.scores)
        # as if half a row more disagreed: rows that all agree may do so by chance
        rows = float(np.square(effects).sum()) + (worth / (2 * models[0].rows)) ** 2
        return Spread(rows, max(1, len(effects) - 1), seeds, freedom if seeds else 0)

    @property
    def _pooled(self) -> tuple[float, int]:
        """The variance over seeds of all models with several, and its degrees of freedom."""
        several = [one.scores for one in self.models.values() if len(one.scores) > 1]
        freedom = sum(len(scores) - 1 for scores in several)
        squares = sum(float(np.var(scores)) * len(scores) for scores in several)
        return squares / max(1, freedom), freedom

    def _row_worth(self) -> float:
        """Return how far the score moves if one row is the whole test part."""
        if self.scale.width is not None:
            return self.scale.width
        return max(abs(one.score) for one in self.models.values())

    def _p(self, value: float, spread: Spread, rows: int) -> float:
        reach = abs(value)
        width = self.scale.width
        if width is not None:  # a gap of zero lies in the middle of the scale
            reach *= 2 * math.sqrt(share_variance(0.5 + value / (2 * width), rows))
        pairs = max(1, len(self.models) * (len(self.models) - 1) // 2)
        return float(1 - (1 - 2 * spread.tail(reach)) ** pairs)

    def _significant_from(self, reach: float) -> float:
        """Return the smallest gap whose interval excludes 0."""
        width = self.scale.width
        if width is None:
            return reach
        inner = 1 - (2 * reach / width) ** 2
        return width if inner <= 0 else width * math.sqrt((1 - math.sqrt(inner)) / 2)

    def _needed(self, spread: Spread, rows: int, margin: float) -> tuple[int, int]:
        """Return the rows and seeds with which the bound of an equal model would be the margin."""
        parts = 2 if spread.seeds_freedom else 1
        for_rows = spread.rows * student(self._one_sided, spread.rows_freedom) ** 2
        for_seeds = spread.seeds * student(self._one_sided, 1000) ** 2
        several = max(len(one.scores) for one in self.models.values())
        return (
            math.ceil(rows * parts * for_rows / margin**2),
            math.ceil(several * parts * for_seeds / margin**2),
        )
