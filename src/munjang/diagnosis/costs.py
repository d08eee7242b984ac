"""The threshold between two classes that suits stated costs of errors."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_LEAST, _MOST = 1e-9, 1e9


@dataclass(frozen=True)
class Costs:
    """Costs of the two errors of a decision between two classes, in any unit.

    Attributes:
        false_positive: of the answer `positive` where it is wrong.
        false_negative: of the other answer where `positive` is right.
        positive: name of a class; None for the second one.
    """

    false_positive: float
    false_negative: float
    positive: str | None = None

    @property
    def threshold(self) -> float:
        """The probability of the positive class from which on it is the cheaper answer.

        The expected cost of answering positive is (1 - p) fp, that of the other answer p fn; they
        are equal at p = fp / (fp + fn) (Elkan 2001, The foundations of cost-sensitive learning).
        """
        return self.false_positive / (self.false_positive + self.false_negative)


@dataclass(frozen=True)
class CostReport:
    """Errors and costs with the answer that is most probable, and with the threshold.

    Attributes:
        positive: name of the positive class.
        threshold: lowest probability at which it is the answer.
        false_positives: rows before, and with the threshold.
        false_negatives: rows before, and with the threshold.
        cost_per_row: before, and with the threshold.
        changed: rows whose answer differs.
    """

    positive: str
    threshold: float
    false_positives: tuple[int, int]
    false_negatives: tuple[int, int]
    cost_per_row: tuple[float, float]
    changed: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def parse_costs(
    false_positive: float | None, false_negative: float | None, positive: str | None
) -> Costs | None:
    """Return the costs, or None if none is given.

    Raises:
        ConfigError: one is missing, or out of range.
    """
    if false_positive is None and false_negative is None:
        if positive is not None:
            raise ConfigError(
                "positive: give the costs too: --cost-false-positive and --cost-false-negative"
            )
        return None
    for name, cost in (("positive", false_positive), ("negative", false_negative)):
        if cost is None:
            raise ConfigError(f"--cost-false-{name} is missing: the two costs are weighed together")
        if not _LEAST <= cost <= _MOST:
            raise ConfigError(
                f"--cost-false-{name}: expected a cost between {_LEAST:g} and {_MOST:g}, "
                f"got {cost:g}"
            )
    assert false_positive is not None
    assert false_negative is not None
    return Costs(false_positive, false_negative, positive)


def report_costs(
    costs: Costs, labels: tuple[str, ...], before: Ints, probabilities: Floats, targets: Ints
) -> CostReport:
    """Compare answers before with those of the threshold.

    Args:
        costs: the costs; the positive class is one of the labels.
        labels: the two classes.
        before: class numbers of the most probable classes [rows].
        probabilities: of rows that did not fit the temperature [rows, 2].
        targets: true class numbers [rows].
    """
    name = labels[1] if costs.positive is None else costs.positive
    positive = labels.index(name)
    is_true = targets == positive
    answers = before == positive, probabilities[:, positive] >= costs.threshold
    wrong = [_count_errors(answer, is_true) for answer in answers]
    prices = [
        (fp * costs.false_positive + fn * costs.false_negative) / len(targets) for fp, fn in wrong
    ]
    return CostReport(
        positive=name,
        threshold=costs.threshold,
        false_positives=(wrong[0][0], wrong[1][0]),
        false_negatives=(wrong[0][1], wrong[1][1]),
        cost_per_row=(prices[0], prices[1]),
        changed=int((answers[0] != answers[1]).sum()),
    )


def _count_errors(answer: Bools, is_true: Bools) -> tuple[int, int]:
    """Return the numbers of false positives and of false negatives."""
    return int((answer & ~is_true).sum()), int((~answer & is_true).sum())
