"""The pairs whose answers differ most in quality: what to read before choosing a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from munjang.comparison.statistics import Floats


@dataclass(frozen=True)
class GivenAnswer:
    """The answer of the first run of a model to a source.

    Attributes:
        name: Name of the model.
        text: The answer.
        chrf: chrF of this answer alone, 0 to 100.
    """

    name: str
    text: str
    chrf: float


@dataclass(frozen=True)
class PairExample:
    """A pair, and the answer of each model.

    Attributes:
        source: The source.
        reference: The target.
        spread: Standard deviation over the networks of the chrF of their answers, the mean over
            seeds.
        answers: One per model.
    """

    source: str
    reference: str
    spread: float
    answers: tuple[GivenAnswer, ...]


@dataclass(frozen=True)
class Answered:
    """The answers of the runs of one model to the test part.

    Attributes:
        answers: Those of its first run.
        chrf: chrF of each answer of each run, [seeds, rows].
        decides: True if it counts when the most different answers are searched.
    """

    answers: Sequence[str]
    chrf: Floats
    decides: bool


def diverging_answers(
    models: Mapping[str, Answered],
    sources: Sequence[str],
    references: Sequence[str],
    *,
    most: int = 20,
) -> tuple[PairExample, ...]:
    """Return the pairs whose answers differ most in chrF, the most different first.

    Args:
        models: By name.
        sources: Sources of the test part.
        references: Targets of the test part.
        most: How many pairs.
    """
    deciding = [model.chrf.mean(0) for model in models.values() if model.decides]
    if len(deciding) < 2:
        return ()
    spread = np.stack(deciding).std(0)
    worst = np.argsort(-spread, kind="stable")[:most]
    return tuple(
        PairExample(
            sources[row],
            references[row],
            float(spread[row]),
            tuple(
                GivenAnswer(name, model.answers[row], float(model.chrf[0, row]))
                for name, model in models.items()
            ),
        )
        for row in worst.tolist()
        if spread[row] > 0
    )
