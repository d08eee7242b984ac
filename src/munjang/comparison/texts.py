"""The table and its notes in words, the same on the terminal and on the page."""

from munjang.comparison.entrants import is_baseline
from munjang.comparison.pair_judge import PairDetails
from munjang.comparison.plan import Plan
from munjang.comparison.results import Comparison
from munjang.comparison.selection import size_text
from munjang.comparison.shown import BESIDE, figure_text
from munjang.comparison.standings import Standing
from munjang.comparison.statistics import Interval
from munjang.tasks.figures import FIGURES

_COSTS = ("parameters", "folder", "training", "tokens/s", "p50", "p99", "memory")


def heads(plan: Plan) -> list[str]:
    """The heads of the table."""
    return [
        *("model", FIGURES[plan.metric].title, "over seeds", "over rows", "behind the best"),
        *(FIGURES[name].title for name in _beside(plan)),
        *_COSTS,
    ]


def _beside(plan: Plan) -> list[str]:
    """Figures beside the one that decides."""
    return [name for name in BESIDE[plan.task] if name != plan.metric]


def cells(row: Standing, plan: Plan) -> list[str]:
    """The row, one text a head."""
    name = row.name if row.runs == row.seeds else f"{row.name} ({row.runs} of {row.seeds} runs)"
    if row.score is None:
        return [name, *["–"] * (len(heads(plan)) - 1)]
    return [
        name,
        figure_text(plan.metric, row.score),
        _interval(plan.metric, row.over_seeds),
        _interval(plan.metric, row.over_rows),
        _behind(plan.metric, row),
        *(figure_text(beside, row.figures.get(beside)) for beside in _beside(plan)),
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
        *_notes_on_pairs(comparison),
    ]
    limit = plan.budget.seconds
    for row in comparison.standings:
        said += [f"{row.name}: {reason}" for reason in row.reasons]
        late = limit is not None and row.seconds is not None and row.seconds > 1.1 * limit
        if late and is_baseline(row.name):
            said.append(f"{row.name} cannot be stopped midway, and took longer than the budget")
    return said


def _notes_on_pairs(comparison: Comparison) -> list[str]:
    """How answers in words were counted."""
    if not isinstance(comparison.details, PairDetails):
        return []
    return [
        "tokens are those of the targets; cross-entropy is in nats a token, which tells nothing "
        "between models with different tokens",
        *comparison.details.signatures,
    ]


def _interval(metric: str, interval: Interval | None) -> str:
    if interval is None:
        return "–"
    low, high = (figure_text(metric, end, fewer=1) for end in (interval.low, interval.high))
    return f"{low}–{high}"


def _behind(metric: str, row: Standing) -> str:
    if row.to_best is None:
        return "the best"
    word = "noise" if row.to_best.is_noise else "worse"
    return f"{figure_text(metric, row.to_best.value)} {word}, p {row.to_best.p:.3f}"
