"""The pairs whose answers are most unlike in quality: what to read before choosing a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from munjang.comparison.statistics import Floats


@dataclass(frozen=True)
class GivenAnswer:
    """What the first run of a model answers to a source.

    Attributes:
        name: of the model.
        text: the answer.
        chrf: of this answer alone, 0 to 100.
    """

    name: str
    text: str
    chrf: float


@dataclass(frozen=True)
class PairExample:
    """A pair, and what each model answers.

    Attributes:
        source: what was asked.
        reference: what people answered.
        spread: standard deviation over the networks of their answers' chrF, a mean over seeds.
        answers: of each model.
    """

    source: str
    reference: str
    spread: float
    answers: tuple[GivenAnswer, ...]


@dataclass(frozen=True)
class Answered:
    """What the runs of one model answered to the test part.

    Attributes:
        answers: of its first run.
        chrf: of each run's answers, sentence by sentence, [seeds, rows].
        decides: whether it counts when the most different answers are looked for.
    """

    answers: Sequence[str]
    chrf: Floats
    decides: bool


def answers_apart(
    models: Mapping[str, Answered],
    sources: Sequence[str],
    references: Sequence[str],
    *,
    most: int = 20,
) -> tuple[PairExample, ...]:
    """The pairs whose answers differ most in chrF, the most different first.

    Args:
        models: by name.
        sources: of the test part.
        references: its targets.
        most: how many pairs.
    """
    deciding = [one.chrf.mean(0) for one in models.values() if one.decides]
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
                GivenAnswer(name, one.answers[row], float(one.chrf[0, row]))
                for name, one in models.items()
            ),
        )
        for row in worst.tolist()
        if spread[row] > 0
    )
