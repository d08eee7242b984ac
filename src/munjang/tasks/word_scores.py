"""Held-out loss of word vectors, beside that of word frequencies."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.metric_table import fields_to_json
from munjang.tasks.task import Floats, Ints
from munjang.tasks.word_head import SampledLoss
from munjang.tasks.word_windows import WindowBatch, keep_probabilities, noise_probabilities


@dataclass(frozen=True, repr=False)
class WordVectorScores(DisplayedScores):
    """Scores of word vectors on lines they have not learned.

    Attributes:
        rows: number of scored rows.
        tokens: number of tokens of these, before frequent ones are left out.
        predictions: number of scored predictions, each with its negatives.
        sampled_loss: loss with negative sampling, in nats per prediction.
        baseline_sampled_loss: that of the best scores that depend on the predicted word alone.
    """

    rows: int
    tokens: int
    predictions: int
    sampled_loss: float
    baseline_sampled_loss: float

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all predictions, by name."""
        return {"sampled_loss": self.sampled_loss}

    @property
    def baseline_name(self) -> str:
        """Name of the baseline."""
        return "word frequencies"

    @property
    def baseline_metrics(self) -> dict[str, float]:
        """Metrics of the word frequencies of the training part."""
        return {"sampled_loss": self.baseline_sampled_loss}

    @property
    def is_finite(self) -> bool:
        """True if the weights gave finite numbers."""
        return math.isfinite(self.sampled_loss)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return fields_to_json(self)


def frequency_scores(counts: Ints, *, sample: float, negatives: float) -> Floats:
    """Return the score of each word that fits its frequency best, [vocabulary size].

    With p the frequency of a predicted word and q its probability as one of k negatives, the loss
    is lowest at log p - log(k q) (Levy and Goldberg 2014, "Neural word embedding as implicit matrix
    factorization", equation 7, without the input word). 0 for ids without a count.
    """
    predicted = counts * keep_probabilities(counts, sample)
    noise = noise_probabilities(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.log(predicted / predicted.sum()) - np.log(negatives * noise)
    result: Floats = np.where(counts > 0, scores, 0.0)
    return result


class WordVectorScorer:
    """Sums of losses over batches.

    Args:
        baseline: score of each word by its frequency, [vocabulary size].
        negatives: number of negatives per prediction.
    """

    def __init__(self, baseline: Floats, negatives: float) -> None:
        self.baseline = torch.from_numpy(baseline)
        self.negatives = negatives
        self.tokens, self.predictions = 0, 0
        self.loss, self.baseline_loss = 0.0, 0.0

    def add(self, batch: WindowBatch, outputs: SampledLoss) -> None:
        """Count a batch."""
        predicted = outputs.predicted.cpu()
        count = int(predicted.sum())
        self.tokens += batch.size
        self.predictions += count
        self.loss += float(outputs.total)
        self.baseline_loss += self._baseline_loss(batch, predicted.double(), count)

    def _baseline_loss(self, batch: WindowBatch, predicted: Tensor, count: int) -> float:
        positive = F.softplus(-self.baseline[batch.ids.cpu()]) @ predicted
        noise = F.softplus(self.baseline[batch.noise.cpu()]).mean()
        return float(positive + count * self.negatives * noise)

    def scores(self, rows: int) -> WordVectorScores:
        """Return the scores of all batches, which had `rows` rows."""
        count = max(1, self.predictions)
        return WordVectorScores(
            rows, self.tokens, self.predictions, self.loss / count, self.baseline_loss / count
        )
