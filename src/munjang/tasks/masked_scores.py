"""Metrics of masked language models, beside those of token frequencies."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.layers.projection import Projected
from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.heads import MaskedOutputs
from munjang.tasks.metric_table import perplexity_of
from munjang.tasks.sentence_pairs import NO_PAIR
from munjang.tasks.task import Bools, Floats
from munjang.text.masks import find_predictable
from munjang.text.vocabulary import Vocabulary

# Names of the baseline; the second one is of a vocabulary without counts, such as an imported one.
FREQUENCIES, UNKNOWN_FREQUENCIES = "token frequencies", "equal frequencies"
# Logits of one chunk: 16 MB of float32.
_CHUNK = 1 << 22


@dataclass(frozen=True, repr=False)
class MaskedScores(DisplayedScores):
    """Scores of a masked language model.

    Attributes:
        rows: number of scored rows.
        tokens: number of masked tokens.
        cross_entropy: nats per masked token.
        perplexity: its exponential: the number of equally likely tokens with that cross-entropy.
        accuracy: share of masked tokens whose likeliest token is the right one.
        baseline_cross_entropy: that of the token frequencies of the training part.
        baseline_perplexity: its exponential.
        baseline_accuracy: that of always answering with the most frequent token.
        pair_accuracy: share of pairs of texts that are judged right; None if none are.
        baseline_name: name of the baseline for people.
    """

    rows: int
    tokens: int
    cross_entropy: float
    perplexity: float
    accuracy: float
    baseline_cross_entropy: float
    baseline_perplexity: float
    baseline_accuracy: float
    pair_accuracy: float | None = None
    baseline_name: str = FREQUENCIES

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all masked tokens, by name."""
        names = ("cross_entropy", "perplexity", "accuracy", "pair_accuracy")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def baseline_metrics(self) -> dict[str, float]:
        """Metrics of answering with the token frequencies of the training part."""
        return {
            "cross_entropy": self.baseline_cross_entropy,
            "perplexity": self.baseline_perplexity,
            "accuracy": self.baseline_accuracy,
        }

    @property
    def is_finite(self) -> bool:
        """True if the weights gave finite numbers."""
        return math.isfinite(self.cross_entropy)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        values = {k: v for k, v in asdict(self).items() if v is not None}
        name = values.pop("baseline_name")
        finite = {k: v if math.isfinite(v) else None for k, v in values.items()}
        return {**finite, "baseline": name}


class MaskedScorer:
    """Sums of losses and right answers over batches.

    Args:
        vocabulary: tokens, and their counts in the training part.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.frequencies = torch.from_numpy(unigram_log_probabilities(vocabulary))
        self.most_frequent = int(self.frequencies.argmax())
        self.is_counted = bool(np.any(vocabulary.counts))
        self.tokens, self.loss, self.right = 0, 0.0, 0
        self.baseline_loss, self.baseline_right = 0.0, 0
        self.pairs, self.right_pairs = 0, 0

    def add(self, outputs: MaskedOutputs, targets: Tensor) -> None:
        """Count a batch; `targets` are those of a `MaskedBatch`."""
        count = len(outputs.tokens.states)
        tokens = targets[:count]
        loss, right = sum_scores(outputs.tokens, tokens)
        self.tokens += count
        self.loss += loss
        self.right += right
        tokens = tokens.cpu()
        self.baseline_loss -= float(self.frequencies[tokens].sum())
        self.baseline_right += int((tokens == self.most_frequent).sum())
        if outputs.pairs is not None:
            labels = targets[count:]
            self.pairs += int((labels != NO_PAIR).sum())
            self.right_pairs += int((outputs.pairs.argmax(1) == labels).sum())

    def scores(self, rows: int) -> MaskedScores:
        """Return the scores of all batches, which had `rows` rows."""
        tokens = max(1, self.tokens)
        loss, baseline_loss = self.loss / tokens, self.baseline_loss / tokens
        return MaskedScores(
            rows=rows,
            tokens=self.tokens,
            cross_entropy=loss,
            perplexity=perplexity_of(loss),
            accuracy=self.right / tokens,
            baseline_cross_entropy=baseline_loss,
            baseline_perplexity=perplexity_of(baseline_loss),
            baseline_accuracy=self.baseline_right / tokens,
            pair_accuracy=self.right_pairs / self.pairs if self.pairs else None,
            baseline_name=FREQUENCIES if self.is_counted else UNKNOWN_FREQUENCIES,
        )


def sum_scores(tokens: Projected, targets: Tensor) -> tuple[float, int]:
    """Return the sum of the cross-entropies in nats, and the number of right likeliest tokens."""
    loss, right = 0.0, 0
    for losses, is_right in _chunks(tokens, targets):
        loss += float(losses.sum())
        right += int(is_right.sum())
    return loss, right


def place_scores(tokens: Projected, targets: Tensor) -> tuple[Floats, Bools]:
    """Return the cross-entropy in nats of each place, and whether its likeliest token is right.

    Returns:
        Two arrays [chosen].
    """
    nats, right = np.zeros(len(targets)), np.zeros(len(targets), dtype=np.bool_)
    start = 0
    for losses, is_right in _chunks(tokens, targets):
        end = start + len(losses)
        nats[start:end], right[start:end] = losses.cpu().numpy(), is_right.cpu().numpy()
        start = end
    return nats, right


def _chunks(tokens: Projected, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield losses and right answers with the logits of a chunk of the places at a time."""
    size = max(1, _CHUNK // len(tokens.weight))
    for start in range(0, len(targets), size):
        logits = F.linear(tokens.states[start : start + size], tokens.weight, tokens.bias).float()
        chunk = targets[start : start + size]
        yield F.cross_entropy(logits, chunk, reduction="none"), logits.argmax(1) == chunk


def unigram_log_probabilities(vocabulary: Vocabulary) -> Floats:
    """Return the log probability of every token by its count in training, [size].

    One is added to each count (Laplace), so that no token is impossible. What never stands in a
    masked place is, such as reserved tokens.
    """
    counts = np.asarray(vocabulary.counts, dtype=np.float64) + 1
    counts[~find_predictable(vocabulary)] = 0
    with np.errstate(divide="ignore"):
        log_probabilities: Floats = np.log(counts / max(1.0, counts.sum()))
    return log_probabilities
