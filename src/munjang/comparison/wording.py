"""Cells of the table, notes and the choice as texts, the same on the terminal and on the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from munjang.comparison.candidates import is_baseline
from munjang.comparison.contests import contest_of
from munjang.comparison.formatting import figure_text
from munjang.comparison.margins import RELATIVE
from munjang.comparison.plan import Plan
from munjang.comparison.processor import ENOUGH
from munjang.comparison.results import Comparison
from munjang.comparison.selection import size_text
from munjang.comparison.standings import Standing
from munjang.comparison.statistics import Interval, Scale
from munjang.reporting import pluralize
from munjang.tasks.metric_table import METRICS

# With fewer rows most gaps are not significant.
_FEW_ROWS = 100
# Marks a model whose runs got too little of the processor.
_STARVED = "*"


@dataclass(frozen=True)
class Headline:
    """The choice as text: the words before the name, the name, if any, and why."""

    before: str
    name: str
    why: str


def headline(comparison: Comparison) -> Headline:
    """Return the choice as text."""
    before, choice = "the smallest that is good enough: ", comparison.choice
    if choice is None and comparison.finished:
        return Headline(f"{before}none, since every model that finished is constant", "", "")
    if choice is None:
        return Headline("no run finished; the notes say why", "", "")
    if not choice.is_conclusive:
        before += "these data cannot tell; the best is "
    return Headline(before, choice.name, choice.why)


def heads(plan: Plan) -> list[str]:
    """Return the heads of the table."""
    return [
        *("model", METRICS[plan.metric].title, "over seeds", "over rows"),
        *("behind the best", "verdict"),
        *(METRICS[name].title for name in _also_shown(plan)),
        *("parameters", "folder", "training", f"{contest_of(plan.task).unit}/s"),
        *("p50", "p99", "memory"),
    ]


def _also_shown(plan: Plan) -> list[str]:
    """Return the scores beside the one that decides."""
    return [name for name in contest_of(plan.task).also_shown if name != plan.metric]


def cells(row: Standing, plan: Plan) -> list[str]:
    """Return the cells of a row, one per head."""
    if row.score is None:
        return [_name(row), *["–"] * (len(heads(plan)) - 1)]
    return [
        _name(row),
        figure_text(plan.metric, row.score),
        _interval(plan.metric, row.over_seeds),
        _interval(plan.metric, row.over_rows),
        _behind(plan.metric, row),
        row.verdict,
        *(figure_text(name, row.figures.get(name)) for name in _also_shown(plan)),
        f"{row.parameters:,}",
        size_text(row.folder_bytes or 0),
        f"{row.seconds:.1f} s",
        "–" if row.tokens_per_second is None else f"{row.tokens_per_second:,.0f}",
        f"{row.p50:.2f} ms",
        f"{row.p99:.2f} ms",
        size_text(row.memory_bytes or 0),
    ]


def _name(row: Standing) -> str:
    name = row.name if row.runs == row.seeds else f"{row.name} ({row.runs} of {row.seeds} runs)"
    return f"{name} {_STARVED}" if row.starved else name


def notes(comparison: Comparison) -> list[str]:
    """Return what one must know to read the table."""
    plan, rows = comparison.plan, comparison.rows
    lines = [
        f"budget {plan.budget} for each training, {pluralize(plan.seeds, 'seed')} per network; "
        f"{rows['train']:,} rows to "
        f"train on, {rows['valid']:,} to choose each network's best step, {rows['test']:,} to "
        "judge on, which no model has seen",
        "over seeds: Student's 95% interval of the mean; over rows: 95% interval over rows and "
        "seeds",
        "behind the best: the gap, and its upper bound with 95% confidence; worse: a significant "
        "gap (of 20 tables of equal models at most one has a false one); good enough: at most "
        f"{plan.margin:g} behind (--margin{_relative(comparison)})",
        *_notes_on_certainty(comparison),
        f"times on {comparison.machine}; p50 and p99 of one {contest_of(plan.task).noun} on "
        "one core",
        *contest_of(plan.task).notes(comparison),
    ]
    for row in comparison.standings:
        lines += _notes_on(row, plan)
    return lines


def _relative(comparison: Comparison) -> str:
    """Explain the default of a relative margin."""
    if comparison.plan.metric not in RELATIVE:
        return ""
    return "; by default 1% of the standard deviation of the numbers to train on"


def _notes_on_certainty(comparison: Comparison) -> Iterator[str]:
    """Yield what this many rows and seeds can show, and what they cannot."""
    plan, rows = comparison.plan, comparison.rows["test"]
    gaps = [row.to_best for row in comparison.standings if row.to_best is not None]
    judged = f"with {pluralize(rows, 'row')} to judge on and {pluralize(plan.seeds, 'seed')}"
    least = median(gap.significant_from for gap in gaps) if gaps else None
    figure = METRICS[plan.metric]
    width = Scale(figure.lowest, figure.highest).width
    if least is not None and width is not None and least >= width:
        yield f"{judged} no gap is large enough to be significant"
    elif least is not None:
        text = figure_text(plan.metric, least)
        yield f"{judged} a gap has to be about {text} to be significant"
    if rows < _FEW_ROWS:
        yield (
            f"{pluralize(rows, 'row')} to judge on {'is' if rows == 1 else 'are'} too few to tell "
            f"similar models apart; give {_FEW_ROWS} or more (--test)"
        )
    networks = [row for row in comparison.standings if row.runs and not _is_of_baseline(row)]
    single = [row.name for row in networks if row.runs == 1]
    if single:
        yield (
            f"{', '.join(single)}: one seed does not show how much a score depends on the seed; "
            "the verdicts hold for these trained models, not for their architectures (--seeds 3)"
        )
    elif networks and min(row.runs for row in networks) < 3:
        yield "two seeds show little of how much a score depends on the seed; --seeds 5 shows more"


def _notes_on(row: Standing, plan: Plan) -> Iterator[str]:
    """Yield what one must know about one model."""
    yield from (f"{row.name}: {reason}" for reason in row.reasons)
    limit = plan.budget.seconds
    late = limit is not None and row.seconds is not None and row.seconds > 1.1 * limit
    if late and _is_of_baseline(row):
        yield f"{row.name} cannot be stopped midway, and took longer than the budget"
    if row.starved and row.processor_share is not None:
        means = (
            "its times are those of a busy machine"
            if limit is None
            else "it learned less than the budget allows on an idle machine, and its score says "
            "little about the model; let other work end, and begin again"
        )
        yield (
            f"{_STARVED} {row.name}: {row.starved} of {pluralize(row.runs, 'run')} got less than "
            f"{ENOUGH:.0%} of the processor time asked for (the least was "
            f"{row.processor_share:.0%}): {means}"
        )
    if row.epochs is not None and row.epochs < 1:
        yield (
            f"{row.name} saw {row.epochs:.1%} of the rows to train on before the budget ended; "
            "give a larger --budget"
        )
    if row.score is not None and row.is_constant:
        yield f"{row.name} {contest_of(plan.task).constant_answer}: it is never the choice"


def _is_of_baseline(row: Standing) -> bool:
    return is_baseline(row.name)


def _interval(metric: str, interval: Interval | None) -> str:
    if interval is None:
        return "–"
    low, high = (figure_text(metric, end, fewer=1) for end in (interval.low, interval.high))
    return f"{low}–{high}"


def _behind(metric: str, row: Standing) -> str:
    if row.to_best is None:
        return "–"
    value, most = (figure_text(metric, gap) for gap in (row.to_best.value, row.to_best.at_most))
    return f"{value} (at most {most})"
