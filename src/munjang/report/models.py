"""Models and results of trainings as pages: what they are, and their scores."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from munjang.report.formats import Formats
from munjang.report.html import element, page, scrollable, table
from munjang.report.scores import metrics_table, named, scores_parts
from munjang.reporting import pluralize
from munjang.tasks.metric_table import METRICS
from munjang.units import format_bytes

if TYPE_CHECKING:
    from munjang.api import Trained
    from munjang.baselines import Baseline
    from munjang.distillation.comparison import Comparison
    from munjang.distillation.run import Distilled
    from munjang.model import Model

_SHOWN_LABELS = 20


def draw_model_page(model: "Model") -> Markup:
    """Return the page of a model."""
    metrics = model.validation_metrics
    scores = [metrics_table(metrics, ["validation"])] if metrics else []
    return page("Model", _facts(list(_facts_of_model(model))), *scores)


def draw_trained_page(trained: "Trained") -> Markup:
    """Return the page of a training: the model, and its validation scores in full."""
    facts = [*_facts_of_model(trained.model), *_facts_of_training(trained.metrics["training"])]
    if trained.folder is not None:
        facts.append(("folder", str(trained.folder)))
    return page("Trained model", _facts(facts), *scores_parts(trained.scores))


def draw_baseline_page(baseline: "Baseline") -> Markup:
    """Return the page of a baseline."""
    facts = [
        ("baseline", f"{baseline.name}: {baseline.summaries.get(baseline.name, '')}"),
        ("task", baseline.task_name),
        ("parameters", f"{baseline.parameters:,}"),
    ]
    return page("Baseline", _facts(facts))


def draw_distilled_page(distilled: "Distilled") -> Markup:
    """Return the page of a distillation: the student beside its teachers, and its scores."""
    trained = distilled.trained
    facts = _facts(list(_facts_of_model(trained.model)))
    beside = _teachers_table(distilled.comparison)
    return page("Distilled model", facts, beside, *scores_parts(trained.scores))


def draw_teachers_page(comparison: "Comparison") -> Markup:
    """Return the page of a student beside its teachers."""
    return page("Student and teachers", _teachers_table(comparison))


def _facts(facts: "list[tuple[str, str]]") -> Markup:
    rows = [(name, element("td", named(text), class_="text")) for name, text in facts]
    return table(["", ""], rows)


def _facts_of_model(model: "Model") -> Iterator[tuple[str, str]]:
    recipe = model.recipe
    yield "task", recipe.task
    yield "input", recipe.input
    yield "architecture", f"{recipe.model_name}{model.input.made_of.replace('`', '')}"
    yield "parameters", f"{model.parameters:,}"
    if model.labels:
        more = len(model.labels) - _SHOWN_LABELS
        shown = ", ".join(model.labels[:_SHOWN_LABELS])
        yield "labels", shown if more <= 0 else f"{shown} and {more:,} more"


def _facts_of_training(training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    steps = pluralize(training["steps"], "step")
    yield "training", f"{steps} in {training['seconds']:.1f} s; best step {training['best_step']:,}"


def _teachers_table(comparison: "Comparison") -> Markup:
    """Return a row per model: metrics on labels, agreement with the teachers, size and speed."""
    names = list(comparison.models[-1].agreement)
    labeled = names if comparison.labeled else []
    heads = [
        "model",
        *(METRICS[name].title for name in labeled),
        *(f"agreement ({METRICS[name].title})" for name in names[:1]),
        *("parameters", "on disk", "rows/s"),
    ]
    rows = [
        [
            named(f"{model.name} (student)" if model.is_student else model.name),
            *(_score(model.metrics.get(name)) for name in labeled),
            *(_score(model.agreement.get(name)) for name in names[:1]),
            "–" if model.parameters is None else f"{model.parameters:,}",
            "–" if model.bytes is None else format_bytes(model.bytes),
            "–" if model.rows_per_second is None else f"{model.rows_per_second:,.0f}",
        ]
        for model in comparison.models
    ]
    return scrollable("models", table(heads, rows))


def _score(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.4f}"


MODEL = Formats[Any]({".html": draw_model_page})
TRAINED = Formats[Any]({".html": draw_trained_page})
BASELINE = Formats[Any]({".html": draw_baseline_page})
DISTILLED = Formats[Any]({".html": draw_distilled_page})
TEACHERS = Formats[Any]({".html": draw_teachers_page})
