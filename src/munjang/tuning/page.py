"""A search as a page: the best settings, their importance, and the trials."""

from typing import Any

from munjang.report.formats import Formats
from munjang.report.html import Markup, element, page, scrollable, table
from munjang.report.svg import WIDTH, Line, lines, standalone
from munjang.report.visible import visible_text
from munjang.tasks.metric_table import METRICS
from munjang.tuning.parameters import shown
from munjang.tuning.results import TrialRow, Tuned, best_of

# Trials in the table; the file tune.json has all.
_SHOWN_TRIALS = 100


def draw_page(tuned: Tuned) -> Markup:
    """Return the page."""
    best = tuned.best
    settings = [] if best is None else [element("h2", "Best settings"), _settings(tuned, best)]
    plot, head = _plot(tuned), element("h2", "Trials")
    return page("Search for settings", *settings, plot, head, _trials(tuned))


def draw_picture(tuned: Tuned) -> Markup:
    """Return the metric by trials as a picture of its own."""
    return standalone(_plot(tuned))


def _settings(tuned: Tuned, best: TrialRow) -> Markup:
    heads = ["setting", "best", "default", *(["importance"] if tuned.importance else [])]
    rows = []
    for key, value in best.settings.items():
        share = [f"{tuned.importance.get(key, 0.0):.0%}"] if tuned.importance else []
        rows.append([key, _text(value), _text(tuned.defaults.get(key)), *share])
    return table(heads, rows)


def _text(value: Any) -> str:
    return visible_text(shown(value))


def _plot(tuned: Tuned) -> Markup:
    """Draw the value of each trial that finished, and the best so far."""
    done = [row for row in tuned.trials if row.ended == "done" and row.value is not None]
    if not done:
        return element("svg", width=WIDTH, height=0)
    values = [row.value for row in done if row.value is not None]
    numbers = [float(row.number) for row in done]
    reached = [best_of(done[: n + 1], tuned.metric) for n in range(len(done))]
    best = [row.value for row in reached if row is not None and row.value is not None]
    drawn = [Line("trial", numbers, values), Line("best so far", numbers, best)]
    return lines(drawn, "trials", METRICS[tuned.metric].title)


def _trials(tuned: Tuned) -> Markup:
    best = tuned.best
    kept = tuned.trials[:_SHOWN_TRIALS]
    rows = [
        [
            row.number,
            "" if row.value is None else f"{row.value:.4f}",
            row.epochs,
            f"{row.steps:,}",
            f"{row.seconds:.1f}",
            "best" if row is best else row.ended,
            element("td", visible_text(row.note), class_="text"),
        ]
        for row in kept
    ]
    heads = ["trial", METRICS[tuned.metric].title, "epochs", "steps", "seconds", "ended", "note"]
    omitted = len(tuned.trials) - len(kept)
    more = [element("p", f"{omitted:,} more")] if omitted else []
    return scrollable("Trials", table(heads, rows), *more)


TUNED = Formats[Tuned]({".html": draw_page, ".svg": draw_picture})
