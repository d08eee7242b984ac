"""The rows on which models disagree most: what to read before choosing one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from munjang.comparison.class_answers import ClassAnswers
from munjang.comparison.statistics import Ints


@dataclass(frozen=True)
class ModelPrediction:
    """The likeliest class of one row according to a model, by the mean over its seeds."""

    name: str
    label: str
    probability: float


@dataclass(frozen=True)
class Example:
    """A row, its true label, and the prediction of each model.

    Attributes:
        text: The text, or the name of the image.
        label: The true label.
        spread: Standard deviation over models of the true class's probability.
        predictions: One per model.
    """

    text: str
    label: str
    spread: float
    predictions: tuple[ModelPrediction, ...]


def disagreements(
    runs: Mapping[str, Sequence[ClassAnswers]],
    texts: Sequence[str],
    targets: Ints,
    labels: Sequence[str],
    *,
    most: int = 20,
) -> tuple[Example, ...]:
    """Return the rows whose true class gets the most different probabilities, these first.

    Args:
        runs: By model, the answers of each seed.
        texts: Texts of the test part, or names of its images.
        targets: True classes [rows].
        labels: Names of the classes.
        most: How many rows.
    """
    if len(runs) < 2:
        return ()
    truth = np.stack([np.mean([seed.truth for seed in seeds], axis=0) for seeds in runs.values()])
    spread = truth.std(0)
    worst = np.argsort(-spread, kind="stable")[:most]
    return tuple(
        Example(
            texts[row],
            labels[targets[row]],
            float(spread[row]),
            tuple(_prediction(name, seeds, row, labels) for name, seeds in runs.items()),
        )
        for row in worst.tolist()
    )


def _prediction(
    name: str, seeds: Sequence[ClassAnswers], row: int, labels: Sequence[str]
) -> ModelPrediction:
    probabilities = np.mean([seed.probability_of(row) for seed in seeds], axis=0)
    best = int(probabilities.argmax())
    return ModelPrediction(name, labels[best], float(probabilities[best]))
