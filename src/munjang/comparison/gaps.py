"""How far each model stays behind the best, and what of it can be told.

The best is picked by the same rows on which it is judged, so that a gap to it is the largest of
many: every pair of models counts as one comparison, and the level of each is Sidak's, so that the
chance of one false "worse" in a whole table of equal models is at most 5% (as Tamhane 1979, "A
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
    """All runs of one model on the rows of the test part.

    Attributes:
        scores: of each run.
        effects: mean over runs of their `row_effects`, [groups].
        rows: of the test part.
        chance: whether another seed would give another model.
    """

    scores: tuple[float, ...]
    effects: Floats
    rows: int
    chance: bool

    @classmethod
    def of(cls, runs: Sequence[Tally], *, chance: bool) -> "Measured":
        """The runs of one model; at least one."""
        effects = np.mean([row_effects(run) for run in runs], axis=0)
        return cls(tuple(map(score, runs)), effects, len(runs[0].counts), chance)

    @property
    def score(self) -> float:
        """The mean over runs."""
        return float(np.mean(self.scores))

    @property
    def one_of_many(self) -> bool:
        """Whether it is a single run, which does not tell what another seed would give."""
        return self.chance and len(self.scores) < 2


@dataclass(frozen=True)
class Difference:
    """How far a model stays behind the best.

    Attributes:
        value: the best's score less this one's; positive = this one is worse, whatever the metric.
        interval: of it, over rows and seeds, for all pairs of models at once.
        p: how probable a gap at least as large is anywhere in a table of equal models.
        at_most: the one-sided bound of its gap to any of the other models.
        told_from: the gap from which on "worse" could be told here; the whole range of the metric
            where none could.
        as_trained: whether one of the two has a single run, so that this is of trained models only.
        rows_needed: of a test part that would tell a model as good as the best, about.
        seeds_needed: likewise, of seeds.
    """

    value: float
    interval: Interval
    p: float
    at_most: float
    told_from: float
    as_trained: bool
    rows_needed: int
    seeds_needed: int

    @property
    def is_worse(self) -> bool:
        """Whether the gap is more than chance."""
        return self.interval.low > 0


@dataclass(frozen=True)
class Gaps:
    """Compares models that were judged on the same rows.

    Attributes:
        models: by name.
        scale: the range of the metric.
        up: whether larger is better.
    """

    models: Mapping[str, Measured]
    scale: Scale
    up: bool

    def behind(self, best: str, name: str, margin: float) -> Difference:
        """How far `name` stays behind `best`, and whether that may matter."""
        value, spread = self._gap(best, name), self._spread(best, name)
        rows = self.models[name].rows
        reach = spread.reach(self._two_sided)
        rows_needed, seeds_needed = self._needed(spread, rows, margin)
        return Difference(
            value=value,
            interval=interval_within(self.scale.of_gaps(), value, reach, rows),
            p=self._p(value, spread, rows),
            at_most=max(self._at_most(other, name) for other in self.models if other != name),
            told_from=self._told_from(reach),
            as_trained=self.models[best].one_of_many or self.models[name].one_of_many,
            rows_needed=rows_needed,
            seeds_needed=seeds_needed,
        )

    def over_rows(self, name: str) -> Interval:
        """Where the score of a model lies, were the rows and the seeds drawn anew."""
        one = self.models[name]
        spread = self._spread(name)
        return interval_within(self.scale, one.score, spread.reach((1 - LEVEL) / 2), one.rows)

    @property
    def _two_sided(self) -> float:
        """The tail of each of all pairs."""
        pairs = max(1, len(self.models) * (len(self.models) - 1) // 2)
        return float((1 - LEVEL ** (1 / pairs)) / 2)

    @property
    def _one_sided(self) -> float:
        """The tail of each model's bound: only that to the true best has to hold."""
        return float(1 - LEVEL ** (1 / max(1, len(self.models) - 1)))

    def _gap(self, better: str, worse: str) -> float:
        gap = self.models[better].score - self.models[worse].score
        return gap if self.up else -gap

    def _at_most(self, other: str, name: str) -> float:
        value, reach = self._gap(other, name), self._spread(other, name).reach(self._one_sided)
        rows = self.models[name].rows
        return interval_within(self.scale.of_gaps(), value, reach, rows).high

    def _spread(self, name: str, other: str | None = None) -> Spread:
        """Of a model's score, or of the gap between two."""
        models = [self.models[one] for one in (name, other) if one is not None]
        effects = models[0].effects if other is None else models[0].effects - models[1].effects
        worth = self._row_worth() * len(models)
        pooled, freedom = self._pooled
        seeds = 0.0
        for one in models:
            if len(one.scores) > 1:
                # few seeds may lie close together by chance
                seeds += max(pooled, float(np.var(one.scores, ddof=1))) / len(one.scores)
        # half a row more that goes the other way: as many rows as agree by chance are not certain
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
        """As much as one row can add, were it all of the test part."""
        if self.scale.width is not None:
            return self.scale.width
        return max(abs(one.score) for one in self.models.values())

    def _p(self, value: float, spread: Spread, rows: int) -> float:
        reach = abs(value)
        width = self.scale.width
        if width is not None:  # no gap lies at the middle of their scale
            reach *= 2 * math.sqrt(share_variance(0.5 + value / (2 * width), rows))
        pairs = max(1, len(self.models) * (len(self.models) - 1) // 2)
        return float(1 - (1 - 2 * spread.tail(reach)) ** pairs)

    def _told_from(self, reach: float) -> float:
        """The least gap whose interval would not hold 0."""
        width = self.scale.width
        if width is None:
            return reach
        inner = 1 - (2 * reach / width) ** 2
        return width if inner <= 0 else width * math.sqrt((1 - math.sqrt(inner)) / 2)

    def _needed(self, spread: Spread, rows: int, margin: float) -> tuple[int, int]:
        """Rows and seeds with which the bound of an equal model would come down to the margin."""
        parts = 2 if spread.seeds_freedom else 1
        for_rows = spread.rows * student(self._one_sided, spread.rows_freedom) ** 2
        for_seeds = spread.seeds * student(self._one_sided, 1000) ** 2
        several = max(len(one.scores) for one in self.models.values())
        return (
            math.ceil(rows * parts * for_rows / margin**2),
            math.ceil(several * parts * for_seeds / margin**2),
        )
