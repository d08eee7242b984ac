"""Answers of classification: the most probable class, and the probabilities of all classes.

Probabilities are kept as rows of arrays: with 20,000 classes, a dictionary per answer
would take seven times as much memory.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """The classes of one row.

    Attributes:
        label: the most probable class.
        probability: its probability.
        labels: names of all classes, shared by the answers.
        row: probabilities [classes], in the order of `labels`.
        truncated: True if the text was longer than the model reads and its end was ignored.
    """

    label: str
    probability: float
    labels: tuple[str, ...]
    row: npt.NDArray[np.float64]
    truncated: bool = False

    @cached_property
    def probabilities(self) -> dict[str, float]:
        """Probability of every class, by label."""
        return dict(zip(self.labels, self.row.tolist(), strict=True))

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return label, probability and input."""
        return [[self.label, f"{self.probability:.4f}", text]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "label": self.label,
            "probability": self.probability,
            "probabilities": dict(zip(self.labels, self.row.tolist(), strict=True)),
            "truncated": self.truncated,
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prediction):
            return NotImplemented
        return self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.to_json().items())
        return f"Prediction({values})"


@dataclass(frozen=True, eq=False)
class SelectiveAnswer:
    """The classes of one row, of a model that may abstain.

    Attributes:
        prediction: the classes, as without abstaining.
        answered: False if the model is not sure enough.
    """

    prediction: Prediction
    answered: bool

    @property
    def label(self) -> str | None:
        """The label; None if there is no answer."""
        return self.prediction.label if self.answered else None

    @property
    def probability(self) -> float:
        """Probability of the most probable class."""
        return self.prediction.probability

    @property
    def truncated(self) -> bool:
        """True if the text was longer than the model reads and its end was ignored."""
        return self.prediction.truncated

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return label (empty if there is no answer), probability, whether answered, and input."""
        said = "answer" if self.answered else "no answer"
        return [[self.label or "", f"{self.probability:.4f}", said, text]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; without an answer the label is null."""
        return {**self.prediction.to_json(), "label": self.label, "answered": self.answered}
