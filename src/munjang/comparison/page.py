"""compare.html: everything on one page that loads nothing."""

from munjang.comparison.contests import contest_of
from munjang.comparison.folder import PAGE
from munjang.comparison.results import Comparison
from munjang.comparison.standings import Standing
from munjang.comparison.wording import cells, headline, heads, notes
from munjang.folder.manifest import write_atomically
from munjang.report.formats import Formats
from munjang.report.html import Markup, element, join, page, scrollable, table
from munjang.report.svg import HEIGHT, WIDTH, Line, Point, lines, scatter, standalone
from munjang.tasks.metric_table import METRICS


def write_page(comparison: Comparison) -> None:
    """Write the page into the folder of the comparison."""
    write_atomically(comparison.folder / PAGE, draw(comparison))


def draw(comparison: Comparison) -> Markup:
    """Return the page."""
    return page(
        "Which model?",
        _choice(comparison),
        _standings(comparison),
        *_fronts(comparison),
        *_curves(comparison),
        *contest_of(comparison.plan.task).sections(comparison),
    )


def headline_of(comparison: Comparison) -> str:
    """Return the choice in one line."""
    line = headline(comparison)
    return f"{line.before}{line.name}" + (f" ({line.why})" if line.why else "")


def _choice(comparison: Comparison) -> Markup:
    line = headline(comparison)
    why = f" ({line.why})." if line.why else "."
    before = line.before[0].upper() + line.before[1:]
    return element("p", before, element("b", line.name), why, class_="choice")


def _standings(comparison: Comparison) -> Markup:
    rows = [cells(row, comparison.plan) for row in comparison.standings]
    items = [element("li", line) for line in notes(comparison)]
    listed = scrollable("models", table(heads(comparison.plan), rows))
    return join([listed, element("ul", *items)])


def _scatters(comparison: Comparison) -> list[Markup]:
    """Return score against latency and against size; none if no run finished."""
    decides = METRICS[comparison.plan.metric]
    name, up = decides.title, decides.larger_is_better
    noun = contest_of(comparison.plan.task).noun
    rows = [row for row in comparison.standings if row.score is not None]
    if not rows:
        return []
    drawn = (
        ([_point(row, row.p50) for row in rows], _LATENCY.format(noun)),
        ([_point(row, (row.folder_bytes or 0) / 1e6) for row in rows], _SIZE),
    )
    colors = comparison.colors
    return [scatter(points, cost, name, up=up, colors=colors) for points, cost in drawn]


def _fronts(comparison: Comparison) -> list[Markup]:
    pictures = _scatters(comparison)
    if not pictures:
        return []
    explanation = (
        "The dashed line joins the models that no other beats in both (the Pareto front); bars are "
        "95% intervals."
    )
    side = element("div", *pictures, class_="side")
    return [element("h2", "Score and cost"), element("p", explanation), side]


_LATENCY, _SIZE = "milliseconds per {} on one core (p50)", "megabytes of the folder"


def draw_picture(comparison: Comparison) -> Markup:
    """Return score against latency as a picture of its own."""
    pictures = _scatters(comparison)
    return standalone(pictures[0] if pictures else element("svg", width=WIDTH, height=HEIGHT))


def _point(row: Standing, cost: float | None) -> Point:
    assert row.score is not None
    assert row.over_rows is not None
    return Point(row.name, cost or 0.0, row.score, row.over_rows.low, row.over_rows.high)


def _curves(comparison: Comparison) -> list[Markup]:
    if not comparison.curves:
        return []
    name = METRICS[comparison.plan.metric].title
    drawn = [Line(curve.name, curve.seconds, curve.scores) for curve in comparison.curves]
    axis = f"{name}, validation part"
    picture = lines(drawn, "seconds of training", axis, colors=comparison.colors)
    return [element("h2", "Learning curves"), picture]


COMPARISON = Formats[Comparison]({".html": draw, ".svg": draw_picture})
