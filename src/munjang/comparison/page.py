"""compare.html: one page that holds everything, and needs no network."""

from munjang.comparison.class_judge import ClassDetails
from munjang.comparison.class_sections import class_sections
from munjang.comparison.pair_judge import PairDetails
from munjang.comparison.pair_sections import pair_sections
from munjang.comparison.plan import PAGE
from munjang.comparison.results import Comparison
from munjang.comparison.standings import Standing
from munjang.comparison.texts import cells, headline, heads, notes
from munjang.manifest import write_atomically
from munjang.report.html import Markup, element, join, page, table
from munjang.report.svg import Line, Point, lines, scatter
from munjang.tasks.figures import FIGURES


def write_page(comparison: Comparison) -> None:
    """Write the page into the folder of the comparison."""
    write_atomically(comparison.folder / PAGE, draw(comparison))


def draw(comparison: Comparison) -> Markup:
    """The page."""
    return page(
        "Which model?",
        _choice(comparison),
        _standings(comparison),
        *_fronts(comparison),
        *_curves(comparison),
        *_details(comparison),
    )


def _choice(comparison: Comparison) -> Markup:
    told = headline(comparison)
    why = f" ({told.why})." if told.why else "."
    before = told.before[0].upper() + told.before[1:]
    return element("p", before, element("b", told.name), why, class_="choice")


def _standings(comparison: Comparison) -> Markup:
    rows = [cells(row, comparison.plan) for row in comparison.standings]
    said = [element("li", line) for line in notes(comparison)]
    listed = element("div", table(heads(comparison.plan), rows), class_="wide")
    return join([listed, element("ul", *said)])


def _fronts(comparison: Comparison) -> list[Markup]:
    decides = FIGURES[comparison.plan.metric]
    name, up = decides.title, decides.larger_is_better
    rows = [row for row in comparison.standings if row.score is not None]
    if not rows:
        return []
    drawn = (
        ([_point(row, row.p50) for row in rows], _ANSWER),
        ([_point(row, (row.folder_bytes or 0) / 1e6) for row in rows], _SIZE),
    )
    colours = comparison.colours
    pictures = (scatter(points, cost, name, up=up, colours=colours) for points, cost in drawn)
    said = "The dashed line joins those that none beats in both; bars are 95% intervals."
    side = element("div", *pictures, class_="side")
    return [element("h2", "Quality against cost"), element("p", said), side]


_ANSWER, _SIZE = "milliseconds of one text on one core (p50)", "megabytes of the folder"


def _point(row: Standing, cost: float | None) -> Point:
    assert row.score is not None
    assert row.over_rows is not None
    return Point(row.name, cost or 0.0, row.score, row.over_rows.low, row.over_rows.high)


def _curves(comparison: Comparison) -> list[Markup]:
    if not comparison.curves:
        return []
    name = FIGURES[comparison.plan.metric].title
    drawn = [Line(curve.name, curve.seconds, curve.scores) for curve in comparison.curves]
    said = f"{name}, validation part"
    picture = lines(drawn, "seconds of training", said, colours=comparison.colours)
    return [element("h2", "Learning by seconds"), picture]


def _details(comparison: Comparison) -> list[Markup]:
    """What the task tells beside the table."""
    match comparison.details:
        case ClassDetails() as details:
            return class_sections(comparison, details)
        case PairDetails() as details:
            return pair_sections(comparison, details)
    raise AssertionError(comparison.details)
