"""The figures by which answers are judged: what people call them, and which way is better."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        title: as people read it.
        larger_is_better: which of two values is the better one.
        decides: whether it may choose the best step (`training.metric`), and is shown on the way.
    """

    title: str
    larger_is_better: bool
    decides: bool = True


FIGURES: dict[str, Figure] = {
    "accuracy": Figure("accuracy", larger_is_better=True),
    "micro_f1": Figure("micro F1", larger_is_better=True),
    "macro_f1": Figure("macro F1", larger_is_better=True),
    "subset_accuracy": Figure("subset accuracy", larger_is_better=True),
    "log_loss": Figure("log loss", larger_is_better=False),
    "calibration_error": Figure("calibration error", larger_is_better=False, decides=False),
    "mae": Figure("MAE", larger_is_better=False),
    "rmse": Figure("RMSE", larger_is_better=False),
    "spearman": Figure("Spearman", larger_is_better=True),
    "r2": Figure("R2", larger_is_better=True),
    "chrf": Figure("chrF", larger_is_better=True),
    "bleu": Figure("BLEU", larger_is_better=True),
    "exact_match": Figure("exact match", larger_is_better=True),
    "cross_entropy": Figure("cross-entropy", larger_is_better=False),
    "cut_share": Figure("cut at the length limit", larger_is_better=False, decides=False),
}

# What tells answers apart of which the metric says the same, since it counts how sure they were.
_LOSSES = ("log_loss", "cross_entropy")


def loss_of(figures: Mapping[str, float]) -> float:
    """The log loss or cross-entropy among `figures`, in nats; 0 where there is neither."""
    return next((figures[name] for name in _LOSSES if name in figures), 0.0)


def finite_or_none(value: float) -> float | None:
    """The value, or None where it is not finite: JSON has no word for NaN and infinity."""
    return value if math.isfinite(value) else None
