"""The judge of a comparison of models that give numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.candidates import Candidate
from munjang.comparison.folder import DATA
from munjang.comparison.plan import Plan
from munjang.comparison.standings import Outcome
from munjang.comparison.statistics import Floats, Tally, mean_tally, score
from munjang.comparison.stored import Part, read_numbers, read_part
from munjang.errors import ConfigError
from munjang.tasks.number_scores import score_numbers

METRICS = ("mae", "rmse", "r2")
_EXAMPLES = 20


@dataclass(frozen=True)
class NumberExample:
    """A text, its number, and the answer of each model, the mean over its seeds.

    Attributes:
        text: The text.
        target: Its number.
        spread: Standard deviation over models of their answers.
        answers: By model.
    """

    text: str
    target: float
    spread: float
    answers: dict[str, float]


@dataclass(frozen=True)
class NumberDetails:
    """The parts of page and JSON beside the table.

    Attributes:
        deviation: Standard deviation of the numbers of the test part.
        examples: The texts on which the models differ most.
    """

    deviation: float
    examples: tuple[NumberExample, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)


def number_tally(metric: str, answers: Floats, targets: Floats) -> Tally:
    """Return mae, rmse or r2 of one run: `answers` and `targets` [rows]."""
    errors = answers - targets
    if metric == "mae":
        return mean_tally(np.abs(errors))
    if metric == "rmse":
        squares = mean_tally(np.square(errors))
        return Tally(squares.counts, lambda sums: np.sqrt(squares.figure(sums)))
    # around the mean of all: sums of squares of numbers far from 0 would lose their digits
    centered = targets - targets.mean()
    columns = [np.square(errors), centered, np.square(centered), np.ones_like(errors)]
    return Tally(np.stack(columns, axis=1), _r2)


def _r2(sums: Floats) -> Floats:
    """Return 1 - residual / total sum of squares; 0 where all numbers are equal."""
    residual, total, squares, rows = sums.T
    variance = squares - total**2 / rows
    varies = variance > 1e-12 * np.maximum(squares, 1e-300)
    return np.where(varies, 1 - residual / np.where(varies, variance, 1), 0.0)


@dataclass(frozen=True)
class NumberJudge:
    """Judges runs on the test part.

    Attributes:
        metric: The metric that decides.
        test: The test part.
        targets: Its numbers [rows].
    """

    metric: str
    test: Part
    targets: Floats

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """Return the judge of the comparison in `folder`.

        Raises:
            ConfigError: The metric is R2, and all numbers of the test part are equal.
        """
        test = read_part(folder / DATA, "test")
        targets = np.asarray(test.targets, dtype=np.float64)
        if plan.metric == "r2" and not np.ptp(targets):
            raise ConfigError(
                f"metric: R2 is not defined for {len(targets):,} equal numbers in the test part; "
                "choose mae or rmse, or give other rows with --test"
            )
        return cls(plan.metric, test, targets)

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """Return the outcome of the finished run in a folder."""
        answers = read_numbers(run, len(self.targets))
        scores = score_numbers(answers, self.targets).metrics
        figures = {name: value for name, value in scores.items() if np.isfinite(value)}
        tally = number_tally(self.metric, answers, self.targets)
        figures[self.metric] = score(tally)
        one_answer = bool(np.ptp(answers) == 0 and np.ptp(self.targets) > 0)
        return Outcome(record, answers, tally, figures, one_answer=one_answer)

    def details(self, outcomes: Mapping[Candidate, Sequence[Outcome]]) -> NumberDetails:
        """Return the texts on which the models differ most."""
        answers = {
            candidate.name: np.mean([outcome.answers for outcome in runs], axis=0)
            for candidate, runs in outcomes.items()
            if runs and not candidate.is_constant
        }
        return NumberDetails(float(self.targets.std()), self._examples(answers))

    def _examples(self, answers: Mapping[str, Floats]) -> tuple[NumberExample, ...]:
        if len(answers) < 2:
            return ()
        spread = np.stack(list(answers.values())).std(0)
        rows = np.argsort(-spread, kind="stable")[:_EXAMPLES].tolist()
        return tuple(
            NumberExample(
                self.test.texts[row],
                float(self.targets[row]),
                float(spread[row]),
                {name: float(numbers[row]) for name, numbers in answers.items()},
            )
            for row in rows
        )
