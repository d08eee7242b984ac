"""Metrics of masked language models, beside a baseline of token frequencies."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from munjang.tasks.task import Floats
from munjang.text.vocabulary import RESERVED, Vocabulary


@dataclass(frozen=True)
class MaskedScores:
    """Scores of a masked language model.

    Attributes:
        rows: number of scored rows.
        tokens: number of masked tokens.
        cross_entropy: nats per masked token.
        accuracy: share of masked tokens whose likeliest token is the right one.
        baseline_cross_entropy: that of the token frequencies of the training part.
        baseline_accuracy: that of always answering with the most frequent token.
    """

    rows: int
    tokens: int
    cross_entropy: float
    accuracy: float
    baseline_cross_entropy: float
    baseline_accuracy: float

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all masked tokens, by name."""
        return {"cross_entropy": self.cross_entropy, "accuracy": self.accuracy}

    @property
    def is_finite(self) -> bool:
        """True if the weights gave finite numbers."""
        return math.isfinite(self.cross_entropy)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return {k: v if math.isfinite(v) else None for k, v in asdict(self).items()}


def unigram_log_probabilities(vocabulary: Vocabulary) -> Floats:
    """Return the log probability of every token by its count in training, [size].

    One is added to each count (Laplace), so that no token is impossible. Reserved tokens are.
    """
    counts = np.asarray(vocabulary.counts, dtype=np.float64) + 1
    counts[: len(RESERVED)] = 0
    with np.errstate(divide="ignore"):
        log_probabilities: Floats = np.log(counts / max(1.0, counts.sum()))
    return log_probabilities
