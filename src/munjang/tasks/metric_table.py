"""The table of metrics: titles, ranges, and whether larger is better."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        title: name for people.
        larger_is_better: True if larger values are better.
        can_select: True if it may select the best checkpoint (`training.metric`); such metrics
            are shown during training.
        lowest: lower end of its range; None if unbounded.
        highest: upper end of its range; None if unbounded.
    """

    title: str
    larger_is_better: bool
    can_select: bool = True
    lowest: float | None = 0.0
    highest: float | None = 1.0


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", larger_is_better=True),
    "micro_f1": Metric("micro F1", larger_is_better=True),
    "macro_f1": Metric("macro F1", larger_is_better=True),
    "subset_accuracy": Metric("subset accuracy", larger_is_better=True),
    "log_loss": Metric("log loss", larger_is_better=False, highest=None),
    "calibration_error": Metric("calibration error", larger_is_better=False, can_select=False),
    "mae": Metric("MAE", larger_is_better=False, highest=None),
    "rmse": Metric("RMSE", larger_is_better=False, highest=None),
    "spearman": Metric("Spearman", larger_is_better=True, lowest=-1.0),
    "pearson": Metric("Pearson", larger_is_better=True, lowest=-1.0),
    "mrr": Metric("mean reciprocal rank", larger_is_better=True),
    "r2": Metric("R2", larger_is_better=True, lowest=None),
    "chrf": Metric("chrF", larger_is_better=True, highest=100.0),
    "bleu": Metric("BLEU", larger_is_better=True, highest=100.0),
    "exact_match": Metric("exact match", larger_is_better=True),
    "sampled_loss": Metric("loss with negative sampling", larger_is_better=False, highest=None),
    "cross_entropy": Metric("cross-entropy", larger_is_better=False, highest=None),
    "perplexity": Metric("perplexity", larger_is_better=False, can_select=False, highest=None),
    "bits_per_character": Metric("bits per character", larger_is_better=False, highest=None),
    "bits_per_byte": Metric("bits per byte", larger_is_better=False, highest=None),
    "pair_accuracy": Metric("accuracy of pairs", larger_is_better=True, can_select=False),
    "cut_share": Metric("cut at the length limit", larger_is_better=False, can_select=False),
}

# Losses break ties of the selected metric, as they depend on the confidence of answers.
_LOSSES = ("log_loss", "cross_entropy")


def find_loss(metrics: Mapping[str, float]) -> float:
    """Return the log loss or cross-entropy among metrics, in nats; 0 if there is neither."""
    return next((metrics[name] for name in _LOSSES if name in metrics), 0.0)


def perplexity_of(cross_entropy: float) -> float:
    """Return the exponential of nats, infinite where it is too large for a float."""
    if cross_entropy < 700:
        return math.exp(cross_entropy)
    return math.nan if math.isnan(cross_entropy) else math.inf


def finite_or_none(value: float) -> float | None:
    """Return the value, or None if it is NaN or infinite, which JSON cannot hold."""
    return value if math.isfinite(value) else None


def fields_to_json(scores: Any) -> dict[str, Any]:
    """Return the fields of a dataclass of scores as plain JSON values.

    A number that is not finite is null.
    """
    return {
        name: finite_or_none(value) if isinstance(value, float) else value
        for name, value in asdict(scores).items()
    }
