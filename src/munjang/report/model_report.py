"""A report on a model as one page: what to do next, then the details."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from munjang.diagnosis.label_issues import LabelIssue
from munjang.diagnosis.model_report import ExplainedError, ModelReport
from munjang.report.calibration import calibration_values
from munjang.report.errors import LONGEST_LABEL, LONGEST_TEXT, error_values
from munjang.report.filters import filters_fragment
from munjang.report.formats import Formats
from munjang.report.html import element, render, table
from munjang.report.memory import memory_fragment
from munjang.report.model_report_words import (
    SEVERITY_NAMES,
    describe_alert,
    describe_next_step,
    describe_verdict,
)
from munjang.report.visible import cut_visible, language, visible_text
from munjang.report.why_page import ShadedPart, shade_parts, why_colors
from munjang.report.wording import Translate, translator

# Words of an explained text, and filters, that are shown.
_MOST_PARTS, _MOST_FILTERS = 300, 20
# How the views of `munjang.diagnosis.inside` are drawn.
_DRAW_INSIDE: Mapping[str, Callable[[Any, Translate], Markup]] = {
    "filters": partial(filters_fragment, most=_MOST_FILTERS),
    "memory": memory_fragment,
}


@dataclass(frozen=True)
class _ShownAlert:
    """An alert as the page shows it."""

    severity: str
    name: str
    found: str
    advice: str
    section: str


def draw_model_report(report: ModelReport, page_language: str = "en") -> Markup:
    """Return the page.

    Args:
        report: the report.
        page_language: en or ko.

    Raises:
        ConfigError: there is no such language.
    """
    translate = translator(page_language)
    calibration = report.calibration
    return render(
        "model_report.html.jinja",
        language=page_language,
        translate=translate,
        title=translate("Report on {name}", name=visible_text(report.model.name)),
        verdict=describe_verdict(report, translate),
        next_step=describe_next_step(report, translate),
        alerts=_show_alerts(report, translate),
        facts=_draw_facts(report, translate),
        errors=error_values(report.errors, translate),
        explained=[_show_explained(each) for each in report.explained],
        issues=_draw_issues(report.issues, translate) if report.issues else "",
        inside=_draw_inside(report, translate),
        networks=report.model.networks,
        issue_count=report.facts.label_issues,
        rows=report.facts.rows,
        **why_colors(),
        calibration=None if calibration is None else calibration_values(calibration, translate),
    )


def _show_alerts(report: ModelReport, translate: Translate) -> list[_ShownAlert]:
    return [
        _ShownAlert(
            alert.severity,
            translate(SEVERITY_NAMES[alert.severity]),
            *describe_alert(alert, translate),
            alert.section,
        )
        for alert in report.alerts
    ]


def _draw_facts(report: ModelReport, translate: Translate) -> Markup:
    model = report.model
    seconds = "" if model.seconds is None else f"{model.seconds:,.0f}"
    rows = "" if model.training_rows is None else f"{model.training_rows:,}"
    facts = {
        "folder": visible_text(model.name),
        "task": model.task,
        "architecture": model.architecture,
        "parameters": f"{model.parameters:,}",
        "labels": f"{len(model.labels):,}" if model.labels else "",
        "training rows": rows,
        "training seconds": seconds,
    }
    return table(["", ""], [[translate(name), value] for name, value in facts.items() if value])


def _draw_inside(report: ModelReport, translate: Translate) -> list[Markup]:
    return [_DRAW_INSIDE[name](view, translate) for name, view in report.inside.items()]


@dataclass(frozen=True)
class _ShownError:
    """A wrong row with its words in shades."""

    place: str
    given: str
    predicted: str
    probability: str
    lang: str
    parts: list[ShadedPart]


def _show_explained(each: ExplainedError) -> _ShownError:
    row, attribution = each.row, each.explanation.rows[0]
    parts = [part for text in attribution.texts for part in shade_parts(text, attribution.largest)]
    return _ShownError(
        f"{row.file}:{row.row}",
        cut_visible(row.given, LONGEST_LABEL),
        cut_visible(row.predicted, LONGEST_LABEL),
        "" if row.probability is None else f"{row.probability:.3f}",
        language(row.text[:LONGEST_TEXT]),
        parts[:_MOST_PARTS],
    )


def _draw_issues(issues: tuple[LabelIssue, ...], translate: Translate) -> Markup:
    heads = ("text", "given", "suggested", "probability", "place")
    return table(
        [translate(head) for head in heads],
        [
            [
                _text_cell(issue.text),
                cut_visible(issue.given, LONGEST_LABEL),
                cut_visible(issue.suggested, LONGEST_LABEL),
                f"{issue.probability:.3f}",
                f"{issue.file}:{issue.row}",
            ]
            for issue in issues
        ],
    )


def _text_cell(text: str) -> Markup:
    shown = cut_visible(text, LONGEST_TEXT)
    return element("td", shown, class_="text", dir="auto", lang=language(shown))


MODEL_REPORT = Formats[ModelReport]({".html": draw_model_report})


def model_report_formats(page_language: str) -> Formats[ModelReport]:
    """Return the formats of a report in a language: en or ko.

    Raises:
        ConfigError: there is no such language.
    """
    translator(page_language)
    return Formats({".html": lambda report: draw_model_report(report, page_language)})
