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
        lowest: the end of its range below; None where there is none.
        highest: the end above.
    """

    title: str
    larger_is_better: bool
    decides: bool = True
    lowest: float | None = 0.0
    highest: float | None = 1.0


FIGURES: dict[str, Figure] = {
    "accuracy": Figure("accuracy", larger_is_better=True),
    "micro_f1": Figure("micro F1", larger_is_better=True),
    "macro_f1": Figure("macro F1", larger_is_better=True),
    "subset_accuracy": Figure("subset accuracy", larger_is_better=True),
    "log_loss": Figure("log loss", larger_is_better=False, highest=None),
    "calibration_error": Figure("calibration error", larger_is_better=False, decides=False),
    "mae": Figure("MAE", larger_is_better=False, highest=None),
    "rmse": Figure("RMSE", larger_is_better=False, highest=None),
    "spearman": Figure("Spearman", larger_is_better=True, lowest=-1.0),
    "r2": Figure("R2", larger_is_better=True, lowest=None),
    "chrf": Figure("chrF", larger_is_better=True, highest=100.0),
    "bleu": Figure("BLEU", larger_is_better=True, highest=100.0),
    "exact_match": Figure("exact match", larger_is_better=True),
    "cross_entropy": Figure("cross-entropy", larger_is_better=False, highest=None),
    "cut_share": Figure("cut at the length limit", larger_is_better=False, decides=False),
}

# What tells answers apart of which the metric says the same, since it counts how sure they were.
_LOSSES = ("log_loss", "cross_entropy")


def loss_of(figures: Mapping[str, float]) -> float:
    """Return the log loss or cross-entropy among metrics, in nats; 0 if there is neither."""
    return next((figures[name] for name in _LOSSES if name in figures), 0.0)


def finite_or_none(value: float) -> float | None:
    """Return the value, or None if it is NaN or infinite, which JSON cannot hold."""
    return value if math.isfinite(value) else None
