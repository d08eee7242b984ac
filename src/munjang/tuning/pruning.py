"""Pruning of trials that are worse than the median of those before, as Optuna's `MedianPruner`.

The medians are a table that a trial gets at its beginning, so that the decision depends on nothing
that happens meanwhile, and can be made by another process.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from munjang.tuning.parameters import is_finite

# Fewer finished trials prune none.
_ENOUGH_TRIALS = 5
# Tenths of its schedule before a trial may be pruned.
_WARM_UP = 5
# Values by the tenth of the schedule at which they were reported.
Reports = dict[int, float]


@dataclass(frozen=True)
class Medians:
    """The median of the finished trials at each tenth of their schedules.

    Attributes:
        larger_is_better: Whether the metric is maximized.
        by_tenth: Medians by tenth, from the fifth; empty prunes nothing.
    """

    larger_is_better: bool
    by_tenth: Reports = field(default_factory=dict)

    @classmethod
    def of(cls, finished: Sequence[Mapping[int, float]], *, larger_is_better: bool) -> Self:
        """Return the medians of what finished trials reported."""
        if len(finished) < _ENOUGH_TRIALS:
            return cls(larger_is_better)
        values: dict[int, list[float]] = {}
        for reports in finished:
            for tenth, value in reports.items():
                values.setdefault(tenth, []).append(value)
        # as Optuna computes it, to the last bit
        medians = {t: float(np.nanpercentile(values[t], 50)) for t in values if t >= _WARM_UP}
        return cls(larger_is_better, medians)

    def is_behind(self, values: Iterable[float], tenth: int) -> bool:
        """Return whether a trial is worse than the median at this tenth of its schedule.

        Args:
            values: Everything that it has reported.
            tenth: Its share of the schedule, in tenths.
        """
        if tenth not in self.by_tenth:
            return False
        if self.larger_is_better:
            return max(values) < self.by_tenth[tenth]
        return min(values) > self.by_tenth[tenth]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        by_tenth = {str(tenth): value for tenth, value in self.by_tenth.items()}
        return {"larger_is_better": self.larger_is_better, "by_tenth": by_tenth}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the medians of what `to_json` gave."""
        by_tenth = {int(tenth): value for tenth, value in values["by_tenth"].items()}
        return cls(values["larger_is_better"], by_tenth)


@dataclass
class Trial:
    """A trial that has begun.

    Attributes:
        number: From 1.
        settings: Its settings, by dotted keys.
        medians: Those of the trials that it may know.
        reports: What it has reported.
    """

    number: int
    settings: dict[str, Any]
    medians: Medians
    reports: Reports = field(default_factory=dict)

    def report(self, value: float, done: float) -> bool:
        """Report a validation result, and return whether the trial should be pruned.

        It is compared with trials at the same share of their own schedule: after equally many
        epochs, a short training has annealed its learning rate, and a long one has just warmed up.

        Args:
            value: The metric.
            done: Share of the trial's steps, from 0 to 1.
        """
        tenth = int(10 * done + 1e-9)
        if not is_finite(value) or tenth in self.reports:
            return False
        self.reports[tenth] = value
        return self.medians.is_behind(self.reports.values(), tenth)
