"""The table and its notes in words, the same on the terminal and on the page."""

from munjang.baselines import BASELINES
from munjang.comparison.results import Comparison
from munjang.comparison.selection import size_text
from munjang.comparison.standings import Standing
from munjang.comparison.statistics import Interval

HEADS = (
    "model",
    "score",
    "over seeds",
    "over rows",
    "behind the best",
    "parameters",
    "folder",
    "training",
    "tokens/s",
    "p50",
    "p99",
    "memory",
)


def cells(row: Standing) -> list[str]:
    """The row, one text a head."""
    name = row.name if row.runs == row.seeds else f"{row.name} ({row.runs} of {row.seeds} runs)"
    if row.score is None:
        return [name, *["–"] * (len(HEADS) - 1)]
    return [
        name,
        f"{row.score:.4f}",
        _interval(row.over_seeds),
        _interval(row.over_rows),
        _behind(row),
        f"{row.parameters:,}",
        size_text(row.folder_bytes or 0),
        f"{row.seconds:.1f} s",
        "–" if row.tokens_per_second is None else f"{row.tokens_per_second:,.0f}",
        f"{row.p50:.2f} ms",
        f"{row.p99:.2f} ms",
        size_text(row.memory_bytes or 0),
    ]


def notes(comparison: Comparison) -> list[str]:
    """What must be known to read the table."""
    plan, rows = comparison.plan, comparison.rows
    seeds = "1 seed" if plan.seeds == 1 else f"{plan.seeds} seeds"
    said = [
        f"budget {plan.budget} for each training, {seeds} a network; {rows['train']:,} rows to "
        f"train on, {rows['valid']:,} to choose each network's best step, {rows['test']:,} to "
        "judge on, which no model has seen",
        "over seeds: Student's 95% interval of the mean; over rows: 95% bootstrap of rows and "
        "seeds; behind the best: paired bootstrap, noise where p is 0.05 or more",
        f"times on {comparison.machine}; p50 and p99 of one text on one core",
    ]
    limit = plan.budget.seconds
    for row in comparison.standings:
        said += [f"{row.name}: {reason}" for reason in row.reasons]
        late = limit is not None and row.seconds is not None and row.seconds > 1.1 * limit
        if late and row.name in BASELINES:
            said.append(f"{row.name} cannot be stopped midway, and took longer than the budget")
    return said


def _interval(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.low:.3f}–{interval.high:.3f}"


def _behind(row: Standing) -> str:
    if row.to_best is None:
        return "the best"
    word = "noise" if row.to_best.is_noise else "worse"
    return f"{row.to_best.value:.4f} {word}, p {row.to_best.p:.3f}"
