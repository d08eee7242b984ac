"""How often each head finds the word that a pronoun stands for.

    I love the tiger but it is scary.      word: it     meant: tiger     other: I

A head is right in a case if it takes more from the word that is meant than from another one that
could be. With many heads the best one is right often by chance alone: the number that the best of
as many guessing heads would reach is beside it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from munjang.errors import DataError
from munjang.explain.attention import Attention
from munjang.explain.word_attention import attention_between, find_once

Floats = npt.NDArray[np.float64]
_DIGITS = 4
# Guessing heads stay below the count that is named with this probability.
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Reference:
    """A text in which a word stands for another one.

    Attributes:
        text: the text.
        word: word that refers, such as it.
        meant: word that it refers to.
        other: word that it could refer to, and does not.
    """

    text: str
    word: str
    meant: str
    other: str


@dataclass(frozen=True)
class ReferenceScore:
    """One head over all cases.

    Attributes:
        layer: from 0.
        head: from 0.
        right: number of cases in which it takes more from the word that is meant.
        meant: mean weight from the word to the one that is meant.
        other: mean weight to the other word.
    """

    layer: int
    head: int
    right: int
    meant: float
    other: float


@dataclass(frozen=True, eq=False)
class ReferenceScores:
    """All heads over all cases.

    Attributes:
        cases: the cases.
        meant: weight to the word that is meant, [cases, layers, heads].
        other: weight to the other word, [cases, layers, heads].
    """

    cases: tuple[Reference, ...]
    meant: Floats
    other: Floats

    @property
    def heads(self) -> list[ReferenceScore]:
        """All heads, the one that is right most often first; of equals that with more weight."""
        right = (self.meant > self.other).sum(0)
        meant, other = self.meant.mean(0), self.other.mean(0)
        scores = [
            ReferenceScore(layer, head, int(right[layer, head]), float(meant[layer, head]),
                           float(other[layer, head]))
            for layer, head in np.ndindex(right.shape)
        ]  # fmt: skip
        return sorted(scores, key=lambda score: (-score.right, -score.meant))

    @property
    def right_of_mean(self) -> int:
        """Number of cases in which the mean over all heads is right."""
        return int((self.meant.mean((1, 2)) > self.other.mean((1, 2))).sum())

    @property
    def right_by_chance(self) -> int:
        """Cases that the best of as many guessing heads gets right, exceeded in 5 % of draws.

        A guess is right in half of the cases: the quantile of the maximum of as many binomial
        numbers. Heads that agree with one another reach less, so it is a cautious bound.
        """
        count, heads = len(self.cases), self.meant[0].size
        numbers = np.arange(count + 1)
        below = stats.binom.cdf(numbers, count, 0.5) ** heads
        return int(numbers[below >= _CONFIDENCE][0])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "cases": len(self.cases),
            "right_of_mean": self.right_of_mean,
            "right_by_chance": self.right_by_chance,
            "heads": [
                {
                    "layer": score.layer,
                    "head": score.head,
                    "right": score.right,
                    "meant": round(score.meant, _DIGITS),
                    "other": round(score.other, _DIGITS),
                }
                for score in self.heads
            ],
        }


def score_references(
    attend: Callable[[str], Attention], cases: Iterable[Reference]
) -> ReferenceScores:
    """Score every head of a model on cases.

    Args:
        attend: returns the attention of a text, such as `model.attention`.
        cases: at least one.

    Raises:
        DataError: there is no case, or a word is not in its text once; the case is named.
        ConfigError: the model has no self-attention over tokens of one text.
    """
    known = tuple(cases)
    if not known:
        raise DataError("expected at least one case, got none")
    meant, other = [], []
    for number, case in enumerate(known, start=1):
        try:
            word, *keys = (find_once(case.text, p) for p in (case.word, case.meant, case.other))
            attention = attend(case.text)
            found = [attention_between(attention, word, key) for key in keys]
        except DataError as error:
            raise DataError(f"case {number}: {error}") from None
        meant.append(found[0])
        other.append(found[1])
    return ReferenceScores(known, _stack(meant), _stack(other))


def _stack(weights: Sequence[npt.NDArray[np.float32]]) -> Floats:
    return np.stack(weights).astype(np.float64)
