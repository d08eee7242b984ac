"""Scores as texts, with as many digits as are worth reading."""

# Scores from 0 to 100; others have four digits behind the point.
_PERCENT = ("chrf", "bleu")
# Scores in the unit of the data, whatever that is, have five digits in all.
_UNIT_OF_DATA = ("mae", "rmse")


def figure_text(metric: str, value: float | None, *, fewer: int = 0) -> str:
    """Return a score as text, with some digits fewer; a dash for None."""
    if value is None:
        return "–"
    if metric in _UNIT_OF_DATA:
        return f"{value:#,.{5 - fewer}g}".rstrip(".")
    return f"{value:.{(2 if metric in _PERCENT else 4) - fewer}f}"
