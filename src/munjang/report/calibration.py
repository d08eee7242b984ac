"""The calibration of a classifier as a page."""

from collections.abc import Sequence

from markupsafe import Markup

from munjang.diagnosis.calibration_report import CalibrationReport
from munjang.diagnosis.reliability import ReliabilityBin
from munjang.report.formats import Formats
from munjang.report.html import element, render, table
from munjang.report.wording import Translate, english

_SIDE, _EDGE = 280, 34


def draw_calibration(report: CalibrationReport) -> Markup:
    """Return the page."""
    return render(
        "calibration.html.jinja",
        title="Calibration",
        calibration=calibration_values(report),
        translate=english,
    )


def calibration_values(
    report: CalibrationReport, translate: Translate = english
) -> dict[str, object]:
    """Return what the macro `calibration` of calibration.jinja shows."""
    heads = ("probability", "rows", "mean", "right", "95 % interval")
    answered = ("answered", "rows", "wrong among them", "limit")
    return {
        "report": report,
        "summary": table(
            [translate("{rows:,} rows", rows=report.rows), translate("before"), translate("after")],
            [
                [translate("temperature"), "1", f"{report.temperature:.3f}"],
                [
                    translate("calibration error"),
                    f"{report.error_before:.4f}",
                    f"{report.error_after:.4f}",
                ],
                [
                    translate("log loss"),
                    f"{report.log_loss_before:.4f}",
                    f"{report.log_loss_after:.4f}",
                ],
            ],
        ),
        "pictures": [
            (translate("right answers, before the temperature"), draw_reliability(report.before)),
            (translate("right answers, after the temperature"), draw_reliability(report.after)),
        ],
        "bins": table(
            [translate(head) for head in heads],
            [
                [
                    f"{part.low:.2f}–{part.high:.2f}",
                    f"{part.rows:,}",
                    f"{part.confidence:.3f}",
                    f"{part.accuracy:.3f}",
                    f"{part.accuracy_low:.3f}–{part.accuracy_high:.3f}",
                ]
                for part in report.after
            ],
        ),
        "coverage": table(
            [translate(head) for head in answered],
            [
                [
                    f"{point.answered / report.rows:.0%}",
                    f"{point.answered:,}",
                    f"{point.wrong / point.answered:.2%}",
                    f"{point.risk:.2%}",
                ]
                for point in report.coverage
            ],
        ),
    }


def draw_reliability(bins: Sequence[ReliabilityBin]) -> Markup:
    """Draw the share of right answers over their probability, with intervals, as an SVG."""

    def x(value: float) -> float:
        return round(_EDGE + value * (_SIDE - _EDGE - 8), 1)

    def y(value: float) -> float:
        return round(_SIDE - _EDGE - value * (_SIDE - _EDGE - 8), 1)

    marks = [
        element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), stroke="#999", stroke_dasharray="4 3"),
        element("path", d=f"M{x(0)} {y(1)}V{y(0)}H{x(1)}", fill="none", stroke="#999"),
    ]
    most = max((part.rows for part in bins), default=1)
    for part in bins:
        title = element(
            "title",
            f"{part.rows:,} rows, probability {part.confidence:.3f}, right {part.accuracy:.3f}",
        )
        at = x(part.confidence)
        marks.append(
            element(
                "line",
                x1=at,
                x2=at,
                y1=y(part.accuracy_low),
                y2=y(part.accuracy_high),
                stroke="#0072b2",
                opacity=0.5,
            )
        )
        radius = round(2.5 + 4 * (part.rows / most) ** 0.5, 1)
        marks.append(element("circle", title, cx=at, cy=y(part.accuracy), r=radius, fill="#0072b2"))
    for value in (0, 0.5, 1):
        marks.append(element("text", value, x=x(value), y=y(0) + 16, text_anchor="middle"))
        marks.append(element("text", value, x=x(0) - 6, y=y(value) + 4, text_anchor="end"))
    marks.append(element("text", "probability", x=x(0.5), y=_SIDE - 4, text_anchor="middle"))
    return element(
        "svg",
        *marks,
        viewBox=f"0 0 {_SIDE} {_SIDE}",
        width=_SIDE,
        height=_SIDE,
        role="img",
        aria_label="share of right answers against their probability",
    )


CALIBRATION = Formats[CalibrationReport]({".html": draw_calibration})
