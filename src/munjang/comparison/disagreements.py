"""The texts on which models disagree most: what to read before choosing one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from munjang.comparison.statistics import Floats, Ints


@dataclass(frozen=True)
class Guess:
    """What a model, the mean of its seeds, says of a text."""

    name: str
    label: str
    probability: float


@dataclass(frozen=True)
class Example:
    """A text, its true label, and what each model says.

    Attributes:
        spread: standard deviation over the models of the true class' probability.
    """

    text: str
    label: str
    spread: float
    guesses: tuple[Guess, ...]


def disagreements(
    runs: Mapping[str, Sequence[Floats]],
    texts: Sequence[str],
    targets: Ints,
    labels: Sequence[str],
    *,
    most: int = 20,
) -> tuple[Example, ...]:
    """The texts whose true class gets the most different probabilities, the most different first.

    Args:
        runs: by model, the probabilities [rows, classes] of each seed.
        texts: of the test part.
        targets: their true classes.
        labels: names of the classes.
        most: how many texts.
    """
    if len(runs) < 2:
        return ()
    means = {name: np.mean(seeds, axis=0) for name, seeds in runs.items()}
    true = np.stack([mean[np.arange(len(targets)), targets] for mean in means.values()])
    spread = true.std(0)
    worst = np.argsort(-spread, kind="stable")[:most]
    return tuple(
        Example(
            texts[row],
            labels[targets[row]],
            float(spread[row]),
            tuple(_guess(name, mean[row], labels) for name, mean in means.items()),
        )
        for row in worst.tolist()
    )


def _guess(name: str, probabilities: Floats, labels: Sequence[str]) -> Guess:
    best = int(probabilities.argmax())
    return Guess(name, labels[best], float(probabilities[best]))
