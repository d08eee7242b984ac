"""The figures by which answers are judged: what people call them, and which way is better."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        title: as people read it.
        larger_is_better: which of two values is the better one.
        can_select: whether it may choose the best step (`training.metric`), and is shown on the way.
        lowest: the end of its range below; None where there is none.
        highest: the end above.
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
    "r2": Metric("R2", larger_is_better=True, lowest=None),
    "chrf": Metric("chrF", larger_is_better=True, highest=100.0),
    "bleu": Metric("BLEU", larger_is_better=True, highest=100.0),
    "exact_match": Metric("exact match", larger_is_better=True),
    "cross_entropy": Metric("cross-entropy", larger_is_better=False, highest=None),
    "cut_share": Metric("cut at the length limit", larger_is_better=False, can_select=False),
}

# What tells answers apart of which the metric says the same, since it counts how sure they were.
_LOSSES = ("log_loss", "cross_entropy")


def find_loss(figures: Mapping[str, float]) -> float:
    """Return the log loss or cross-entropy among metrics, in nats; 0 if there is neither."""
    return next((figures[name] for name in _LOSSES if name in figures), 0.0)


def finite_or_none(value: float) -> float | None:
    """Return the value, or None if it is NaN or infinite, which JSON cannot hold."""
    return value if math.isfinite(value) else None
