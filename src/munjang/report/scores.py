"""Scores as a page: the metrics over all rows, and whatever else they have."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from munjang.report.formats import Formats
from munjang.report.html import element, page, scrollable, table
from munjang.report.visible import language, visible_text
from munjang.reporting import pluralize
from munjang.tasks.classification_scores import list_largest
from munjang.tasks.metric_table import METRICS
from munjang.tasks.score_details import (
    HasBaseline,
    HasBaselineMetrics,
    HasClasses,
    HasConfusion,
    HasSamples,
)
from munjang.tasks.task import TaskScores

# A matrix of more classes is wider than a page: the most confused pairs are listed instead.
_WIDEST_MATRIX = 12
_WORST_PAIRS = 15
_LONGEST = 300  # characters of a text of a sample


def draw_scores_page(scores: TaskScores) -> Markup:
    """Return the page."""
    return page("Scores", *scores_parts(scores))


def scores_parts(scores: TaskScores) -> list[Markup]:
    """Return the tables of scores, for a page of their own or of a model."""
    beside, names = None, [pluralize(scores.rows, scores.unit)]
    if isinstance(scores, HasBaselineMetrics):
        beside = scores.baseline_metrics
        names.append(scores.baseline_name)
    parts = [metrics_table(scores.metrics, names, beside)]
    return parts + [draw(scores) for part, draw in _DETAILS if isinstance(scores, part)]


def metrics_table(
    metrics: Mapping[str, float], heads: list[str], beside: Mapping[str, float] | None = None
) -> Markup:
    """Return a row per metric.

    Args:
        metrics: metrics by name.
        heads: heads of the columns of values.
        beside: metrics of a baseline, if there is one; some may be missing.
    """
    columns = [metrics] if beside is None else [metrics, beside]
    rows = [
        [METRICS[name].title, *(_number(column.get(name, math.nan)) for column in columns)]
        for name in metrics
    ]
    return table(["score", *heads], rows)


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def named(text: str, longest: int = _LONGEST) -> Markup:
    """Return a name or a text from the data: invisible characters shown, its direction its own."""
    shown = visible_text(text)
    if len(shown) > longest:
        shown = f"{shown[:longest]}…"
    lang = language(shown)
    return element("bdi", shown, **({"lang": lang} if lang else {}))


def _class_table(scores: HasClasses) -> Markup:
    kept = list_largest(scores.classes, lambda score: score.rows)
    rows = [
        [named(score.label), *(_number(m) for m in (score.precision, score.recall, score.f1)),
         f"{score.rows:,}"]
        for score in kept
    ]  # fmt: skip
    omitted = len(scores.classes) - len(kept)
    if omitted:
        rows.append([f"{omitted:,} more", "", "", "", ""])
    return scrollable("classes", table(["class", "precision", "recall", "F1", "rows"], rows))


def _confusion_table(scores: HasConfusion) -> Markup:
    labels = [named(score.label) for score in scores.classes]
    if scores.confusion is None or len(labels) > _WIDEST_MATRIX:
        pairs = scores.confused[:_WORST_PAIRS]
        listed = [[named(pair.true), named(pair.predicted), f"{pair.rows:,}"] for pair in pairs]
        return scrollable(
            "most confused", table(["most confused: true", "predicted", "rows"], listed)
        )
    rows = [
        [label, *(f"{count:,}" for count in counts)]
        for label, counts in zip(labels, scores.confusion, strict=True)
    ]
    return scrollable("confusions", table(["true \\ predicted", *labels], rows))


def _baseline_table(scores: HasBaseline) -> Markup:
    row = ["always answering with the mean of these rows", _number(scores.baseline_rmse)]
    return table(["baseline", "RMSE"], [row])


def _sample_table(scores: HasSamples) -> Markup:
    rows = [[_text(text) for text in sample] for sample in scores.samples]
    return scrollable("answers", table(["source", "reference", "answer"], rows))


def _text(text: str) -> Markup:
    return element("td", named(text), class_="text")


_DETAILS: tuple[tuple[type, Callable[[Any], Markup]], ...] = (
    (HasClasses, _class_table),
    (HasConfusion, _confusion_table),
    (HasBaseline, _baseline_table),
    (HasSamples, _sample_table),
)

SCORES = Formats[Any]({".html": draw_scores_page})
