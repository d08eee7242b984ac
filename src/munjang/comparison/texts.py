"""The table and its notes in words, the same on the terminal and on the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from munjang.comparison.class_judge import ClassDetails
from munjang.comparison.entrants import is_baseline
from munjang.comparison.pair_judge import PairDetails
from munjang.comparison.plan import Plan
from munjang.comparison.processor import ENOUGH
from munjang.comparison.results import Comparison
from munjang.comparison.selection import size_text
from munjang.comparison.shown import BESIDE, figure_text
from munjang.comparison.standings import Standing
from munjang.comparison.statistics import Interval
from munjang.reporting import pluralize
from munjang.tasks.absent import absent_line
from munjang.tasks.figures import FIGURES

_COSTS = ("parameters", "folder", "training", "tokens/s", "p50", "p99", "memory")
# With fewer rows hardly any two models can be told apart.
_FEW_ROWS = 100
# Behind the name of a model whose runs got too little of the processor; a note says how little.
_STARVED = "*"


@dataclass(frozen=True)
class Headline:
    """What comes out: words, the model that is named, if any, and why."""

    before: str
    name: str
    why: str


def headline(comparison: Comparison) -> Headline:
    """The choice in words."""
    wanted, choice = "the smallest that is good enough: ", comparison.choice
    if choice is None and comparison.finished:
        return Headline(f"{wanted}none, since no model that reads the text came to an end", "", "")
    if choice is None:
        return Headline("no run came to an end; the lines of the table say why", "", "")
    if not choice.told:
        wanted += "these data cannot tell; the best is "
    return Headline(wanted, choice.name, choice.why)


def heads(plan: Plan) -> list[str]:
    """The heads of the table."""
    return [
        *("model", FIGURES[plan.metric].title, "over seeds", "over rows"),
        *("behind the best", "verdict"),
        *(FIGURES[name].title for name in _beside(plan)),
        *_COSTS,
    ]


def _beside(plan: Plan) -> list[str]:
    """Figures beside the one that decides."""
    return [name for name in BESIDE[plan.task] if name != plan.metric]


def cells(row: Standing, plan: Plan) -> list[str]:
    """The row, one text a head."""
    if row.score is None:
        return [_name(row), *["–"] * (len(heads(plan)) - 1)]
    return [
        _name(row),
        figure_text(plan.metric, row.score),
        _interval(plan.metric, row.over_seeds),
        _interval(plan.metric, row.over_rows),
        _behind(plan.metric, row),
        row.verdict,
        *(figure_text(beside, row.figures.get(beside)) for beside in _beside(plan)),
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
    """What must be known to read the table."""
    plan, rows = comparison.plan, comparison.rows
    said = [
        f"budget {plan.budget} for each training, {pluralize(plan.seeds, 'seed')} a network; "
        f"{rows['train']:,} rows to "
        f"train on, {rows['valid']:,} to choose each network's best step, {rows['test']:,} to "
        "judge on, which no model has seen",
        "over seeds: Student's 95% interval of the mean; over rows: 95% interval over rows and "
        "seeds",
        "behind the best: the gap, and what it is at most with 95% confidence; worse: by more than "
        "chance (of 20 tables of equal models at most one has a false one); good enough: at most "
        f"{plan.margin:g} behind (--margin)",
        *_notes_on_certainty(comparison),
        f"times on {comparison.machine}; p50 and p99 of one text on one core",
        *_notes_on_classes(comparison),
        *_notes_on_pairs(comparison),
    ]
    for row in comparison.standings:
        said += _notes_on(row, plan)
    return said


def _notes_on_certainty(comparison: Comparison) -> Iterator[str]:
    """What so many rows and seeds can tell, and what they cannot."""
    plan, rows = comparison.plan, comparison.rows["test"]
    gaps = [row.to_best for row in comparison.standings if row.to_best is not None]
    judged = f"with {pluralize(rows, 'row')} to judge on and {pluralize(plan.seeds, 'seed')}"
    least = median(gap.told_from for gap in gaps) if gaps else None
    figure = FIGURES[plan.metric]
    if least is not None and figure.highest is not None and least >= figure.highest:
        yield f"{judged} no gap is large enough to call a model worse"
    elif least is not None:
        text = figure_text(plan.metric, least)
        yield f"{judged} a model has to be about {text} behind the best to be called worse"
    if rows < _FEW_ROWS:
        yield (
            f"{pluralize(rows, 'row')} to judge on {'is' if rows == 1 else 'are'} too few to tell "
            f"models apart that are not very unlike; {_FEW_ROWS} or more are wanted (--test)"
        )
    networks = [row for row in comparison.standings if row.runs and not _is_of_baseline(row)]
    single = [row.name for row in networks if row.runs == 1]
    if single:
        yield (
            f"{', '.join(single)}: from one seed it is unknown how much a score depends on the "
            "seed; what is said holds for these trained models, not for their kinds (--seeds 3)"
        )
    elif networks and min(row.runs for row in networks) < 3:
        yield "two seeds tell little of how much a score depends on the seed; --seeds 5 tells more"


def _notes_on(row: Standing, plan: Plan) -> Iterator[str]:
    """What must be known of one model."""
    yield from (f"{row.name}: {reason}" for reason in row.reasons)
    limit = plan.budget.seconds
    late = limit is not None and row.seconds is not None and row.seconds > 1.1 * limit
    if late and _is_of_baseline(row):
        yield f"{row.name} cannot be stopped midway, and took longer than the budget"
    if row.starved and row.processor_share is not None:
        means = (
            "its times are those of a busy machine"
            if limit is None
            else "it learned less than the budget allows on a machine that is left alone, and its "
            "score says little of the model; let other work end, and begin anew"
        )
        yield (
            f"{_STARVED} {row.name}: {row.starved} of {pluralize(row.runs, 'run')} got less than "
            f"{ENOUGH:.0%} of the processor time asked for (the least was "
            f"{row.processor_share:.0%}): {means}"
        )
    if row.passes is not None and row.passes < 1:
        yield (
            f"{row.name} saw {row.passes:.1%} of the rows to train on before the budget ended: "
            "less than once each; a larger --budget lets it learn"
        )
    if row.score is not None and not row.reads_text:
        why = (
            "answers the same to every text, and is there to tell what a score means"
            if _is_of_baseline(row)
            else "answered the same to every text of the test part, as one that reads none does"
        )
        yield f"{row.name} {why}: it is never named"


def _is_of_baseline(row: Standing) -> bool:
    return is_baseline(row.name)


def _notes_on_classes(comparison: Comparison) -> Iterator[str]:
    """Classes that the test part lacks."""
    details = comparison.details
    if not isinstance(details, ClassDetails) or not details.absent:
        return
    yield absent_line(details.absent, "the test part")


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
        return "–"
    value, most = (figure_text(metric, one) for one in (row.to_best.value, row.to_best.at_most))
    return f"{value} (at most {most})"
