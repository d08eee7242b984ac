"""The threshold between two classes that suits stated costs of errors.

Three thresholds are tried on held-out rows, and the one with the least cost is taken:

- that of the expected cost, which is right if the probabilities are (Elkan 2001, The foundations of
  cost-sensitive learning): positive from p = fp / (fp + fn) on;
- the one with the least cost on rows, which needs no right probabilities; its cost is measured by
  folds, each with the threshold of the other rows;
- 0.5, the most probable class.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_LEAST, _MOST = 1e-9, 1e9
_EVEN, _FOLDS = 0.5, 5


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
        are equal at p = fp / (fp + fn).
        """
        return self.false_positive / (self.false_positive + self.false_negative)

    def price(self, false_positives: int, false_negatives: int) -> float:
        """Return the cost of so many errors."""
        return false_positives * self.false_positive + false_negatives * self.false_negative


@dataclass(frozen=True)
class CostReport:
    """Errors and costs of the most probable classes, and with the threshold.

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
    costs: Costs, labels: tuple[str, ...], probabilities: Floats, targets: Ints
) -> CostReport:
    """Choose the threshold, and compare its answers with the most probable classes.

    Args:
        costs: the costs; the positive class is one of the labels.
        labels: the two classes.
        probabilities: of held-out rows, as the model will give them, [rows, 2].
        targets: true class numbers [rows].
    """
    name = labels[1] if costs.positive is None else costs.positive
    positive = labels.index(name)
    shares, is_true = probabilities[:, positive], targets == positive
    before = shares >= _EVEN
    tried = [
        (costs.threshold, shares >= costs.threshold),
        (tune_threshold(costs, shares, is_true), _answer_by_folds(costs, shares, is_true)),
        (_EVEN, before),
    ]
    threshold, after = min(tried, key=lambda pair: costs.price(*_count_errors(pair[1], is_true)))
    wrong = _count_errors(before, is_true), _count_errors(after, is_true)
    rows = len(targets)
    return CostReport(
        positive=name,
        threshold=threshold,
        false_positives=(wrong[0][0], wrong[1][0]),
        false_negatives=(wrong[0][1], wrong[1][1]),
        cost_per_row=(costs.price(*wrong[0]) / rows, costs.price(*wrong[1]) / rows),
        changed=int((before != after).sum()),
    )


def tune_threshold(costs: Costs, shares: Floats, is_true: Bools) -> float:
    """Return the threshold with the least cost on rows, of several the nearest to the expected one.

    It lies halfway between the probabilities of two rows, or at 0 or 1.

    Args:
        costs: the costs.
        shares: probabilities of the positive class [rows].
        is_true: True for rows of that class [rows].
    """
    order = np.argsort(shares, kind="stable")
    ranked, true = shares[order], is_true[order]
    # cut k answers positive from the k-th row on
    missed = np.append(0, np.cumsum(true)) * costs.false_negative
    wrong = (int((~true).sum()) - np.append(0, np.cumsum(~true))) * costs.false_positive
    cuts = np.concatenate([[0.0], (ranked[1:] + ranked[:-1]) / 2, [1.0]])
    # rows of equal probability are answered alike; at a threshold of 1 only sure rows are positive
    is_cut = np.concatenate([[True], ranked[1:] > ranked[:-1], [ranked[-1] < 1]])
    total = np.where(is_cut, missed + wrong, np.inf)
    best = np.flatnonzero(total <= total.min())
    return float(cuts[best[np.abs(cuts[best] - costs.threshold).argmin()]])


def _answer_by_folds(costs: Costs, shares: Floats, is_true: Bools) -> Bools:
    """Return answers [rows], each by a threshold that is tuned without the row's fold."""
    fold = np.random.default_rng(0).permutation(np.arange(len(shares)) % _FOLDS)
    answers = np.zeros(len(shares), dtype=np.bool_)
    for number in range(_FOLDS):
        held, rest = fold == number, fold != number
        answers[held] = shares[held] >= tune_threshold(costs, shares[rest], is_true[rest])
    return answers


def _count_errors(answer: Bools, is_true: Bools) -> tuple[int, int]:
    """Return the numbers of false positives and of false negatives."""
    return int((answer & ~is_true).sum()), int((~answer & is_true).sum())
