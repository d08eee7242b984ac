"""Figures in words: as many digits as tell something, and which stand in the table."""

from munjang.comparison.entrants import ComparedTask

# Of figures from 0 to 100; all others have four.
_PERCENT = ("chrf", "bleu")

# What the table has beside the score.
BESIDE: dict[ComparedTask, tuple[str, ...]] = {
    "classify": (),
    "translate": ("chrf", "bleu", "exact_match", "cross_entropy"),
}


def digits_of(metric: str) -> int:
    """Digits behind the point."""
    return 2 if metric in _PERCENT else 4


def figure_text(metric: str, value: float | None, *, fewer: int = 0) -> str:
    """A figure, or a dash where there is none; with some digits fewer."""
    return "–" if value is None else f"{value:.{digits_of(metric) - fewer}f}"
