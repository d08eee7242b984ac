"""compare.html: one page that holds everything, and needs no network."""

from collections.abc import Sequence

from munjang.comparison.plan import PAGE
from munjang.comparison.results import Comparison
from munjang.comparison.standings import Standing
from munjang.comparison.texts import HEADS, cells, notes
from munjang.manifest import write_atomically
from munjang.report.html import Markup, element, join, page, table
from munjang.report.svg import Line, Point, colours_of, lines, scatter
from munjang.tasks.metrics import METRIC_NAMES, Confusion, worst_pairs

# More classes than this do not fit beside each other: their worst pairs are listed instead.
_WIDEST_MATRIX, _WORST_PAIRS = 12, 10


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
        *_confusions(comparison),
        *_examples(comparison),
    )


def _choice(comparison: Comparison) -> Markup:
    if comparison.choice is None:
        return element("p", "No run came to an end; the table says why.", class_="choice")
    name, why = comparison.choice.name, comparison.choice.why
    said = ("The smallest that is good enough: ", element("b", name), f" ({why}).")
    return element("p", *said, class_="choice")


def _standings(comparison: Comparison) -> Markup:
    heads = [METRIC_NAMES[comparison.plan.metric] if h == "score" else h for h in HEADS]
    rows = [cells(row) for row in comparison.standings]
    said = [element("li", line) for line in notes(comparison)]
    return join([element("div", table(heads, rows), class_="wide"), element("ul", *said)])


def _fronts(comparison: Comparison) -> list[Markup]:
    metric = comparison.plan.metric
    name, up = METRIC_NAMES[metric], metric != "log_loss"
    rows = [row for row in comparison.standings if row.score is not None]
    if not rows:
        return []
    drawn = (
        ([_point(row, row.p50) for row in rows], _ANSWER),
        ([_point(row, (row.folder_bytes or 0) / 1e6) for row in rows], _SIZE),
    )
    colours = _colours(comparison)
    pictures = (scatter(points, cost, name, up=up, colours=colours) for points, cost in drawn)
    said = "The dashed line joins those that none beats in both; bars are 95% intervals."
    side = element("div", *pictures, class_="side")
    return [element("h2", "Quality against cost"), element("p", said), side]


_ANSWER, _SIZE = "milliseconds of one text on one core (p50)", "megabytes of the folder"


def _point(row: Standing, cost: float | None) -> Point:
    assert row.score is not None
    assert row.over_rows is not None
    return Point(row.name, cost or 0.0, row.score, row.over_rows.low, row.over_rows.high)


def _colours(comparison: Comparison) -> dict[str, str]:
    """One colour a model on all pictures."""
    return colours_of(entrant.name for entrant in comparison.plan.entrants)


def _curves(comparison: Comparison) -> list[Markup]:
    if not comparison.curves:
        return []
    name = METRIC_NAMES[comparison.plan.metric]
    drawn = [Line(curve.name, curve.seconds, curve.scores) for curve in comparison.curves]
    said = f"{name}, validation part"
    picture = lines(drawn, "seconds of training", said, colours=_colours(comparison))
    return [element("h2", "Learning by seconds"), picture]


def _confusions(comparison: Comparison) -> list[Markup]:
    matrices = [
        element("div", element("h3", row.name), _matrix(counts, comparison.labels), class_="wide")
        for row in comparison.standings
        if (counts := comparison.confusions.get(row.name)) is not None
    ]
    if not matrices:
        return []
    said = "Rows are the true classes, columns the guesses; all seeds together."
    side = element("div", *matrices, class_="side")
    return [element("h2", "What is taken for what"), element("p", said), side]


def _matrix(counts: Confusion, labels: Sequence[str]) -> Markup:
    if len(labels) > _WIDEST_MATRIX:
        return _worst_pairs(counts, labels)
    rows = [
        [label, *(_shaded(count, sum(row)) for count in row)]
        for label, row in zip(labels, counts, strict=True)
    ]
    return table(["true \\ guessed", *labels], rows)


def _shaded(count: int, of: int) -> Markup:
    share = count / max(1, of)
    return element("td", f"{count:,}", style=f"background: rgba(0, 114, 178, {0.6 * share:.2f})")


def _worst_pairs(counts: Confusion, labels: Sequence[str]) -> Markup:
    pairs = worst_pairs(counts, _WORST_PAIRS)
    rows = [(labels[true], labels[guess], f"{rows:,}") for true, guess, rows in pairs]
    return table(["true", "guessed", "rows"], rows)


def _examples(comparison: Comparison) -> list[Markup]:
    if not comparison.examples:
        return []
    names = [guess.name for guess in comparison.examples[0].guesses]
    rows = [
        [
            element("td", example.text, class_="text"),
            example.label,
            *(
                element(
                    "td",
                    f"{guess.label} {guess.probability:.2f}",
                    class_="right" if guess.label == example.label else "wrong",
                )
                for guess in example.guesses
            ),
        ]
        for example in comparison.examples
    ]
    listed = element("div", table(["text", "true", *names], rows), class_="wide")
    return [element("h2", "Where the models disagree most"), listed]
