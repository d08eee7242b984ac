"""Errors of a model as a page or a table: confusions that filter a list of rows, and slices."""

from dataclasses import dataclass

from markupsafe import Markup

from munjang.diagnosis.errors import CellCount, ErrorReport, ErrorRow
from munjang.diagnosis.slices import Slice
from munjang.report.formats import Formats
from munjang.report.html import element, render, table
from munjang.report.spreadsheet import format_csv
from munjang.report.visible import cut_visible, language
from munjang.report.wording import Translate, english

# A matrix of more classes is too wide to read: the commonest confusions are listed instead.
WIDEST_MATRIX, LISTED = 30, 100
LONGEST_TEXT, LONGEST_LABEL = 400, 80
# Slices that are named in a line.
_NAMED = 5
# Kinds of slices whose names are from the data.
_NAMED_BY_DATA = ("file", "label")


def draw_errors(report: ErrorReport) -> Markup:
    """Return the page."""
    return render(
        "errors.html.jinja", title="Errors", errors=error_values(report), translate=english
    )


def error_values(report: ErrorReport, translate: Translate = english) -> dict[str, object]:
    """Return what the macro `errors` of errors.jinja shows."""
    heads = ["slice", "", "rows", report.score_name, "95 % interval", "the rest", "p"]
    return {
        "summary": summarize(report, translate),
        "cells": _draw_cells(report, translate),
        "slices": table(
            [head and translate(head) for head in heads],
            [_slice_cells(part, translate) for part in report.slices],
        ),
        "rows": [_Shown.of(row) for row in report.worst],
        "loss_name": translate(report.loss_name),
    }


def summarize(report: ErrorReport, translate: Translate = english) -> str:
    """Return one line on all rows."""
    line = translate(
        "{rows:,} rows: {score_name} {score:.4f} ({low:.4f} to {high:.4f})",
        rows=report.rows,
        score_name=translate(report.score_name),
        score=report.score,
        low=report.low,
        high=report.high,
    )
    worse = [
        f"{translate(part.kind)} {name_slice(part, translate)}"
        for part in report.slices
        if part.is_worse
    ]
    if not worse:
        return translate("{line}; no slice is worse than the rest beyond chance", line=line)
    slices = ", ".join(worse[:_NAMED])
    if len(worse) > _NAMED:
        slices = translate("{slices} and {count} more", slices=slices, count=len(worse) - _NAMED)
    return translate(
        "{line}; worse than the rest beyond chance: {slices}", line=line, slices=slices
    )


def name_slice(part: Slice, translate: Translate = english) -> str:
    """Return the name of a slice; those that are not from the data are translated."""
    name = part.name if part.kind in _NAMED_BY_DATA else translate(part.name)
    return cut_visible(name, LONGEST_LABEL)


@dataclass(frozen=True)
class _Shown:
    """A row as the page shows it."""

    place: str
    text: str
    lang: str
    given: str
    predicted: str
    probability: str
    loss: str
    cells: str
    is_wrong: bool

    @classmethod
    def of(cls, row: ErrorRow) -> "_Shown":
        return cls(
            place=f"{row.file}:{row.row}" if row.row else row.file,
            text=cut_visible(row.text, LONGEST_TEXT),
            lang=language(row.text[:LONGEST_TEXT]),
            given=cut_visible(row.given, LONGEST_LABEL),
            predicted=cut_visible(row.predicted, LONGEST_LABEL),
            probability="" if row.probability is None else f"{row.probability:.3f}",
            loss=f"{row.loss:.4g}",
            cells=" ".join(map(str, row.cells)),
            is_wrong=row.is_right is False,
        )


def _slice_cells(part: Slice, translate: Translate) -> list[object]:
    p = "" if part.p_value != part.p_value else f"{part.p_value:.2g}"
    name = name_slice(part, translate)
    return [
        translate(part.kind),
        element("td", name, class_="wrong" if part.is_worse else "text"),
        f"{part.rows:,}",
        f"{part.score:.4f}",
        f"{part.low:.4f}–{part.high:.4f}",
        f"{part.rest:.4f}",
        p,
    ]


def _draw_cells(report: ErrorReport, translate: Translate) -> Markup | str:
    """Return the confusions as a matrix or a list of links that filter the rows; "" if none."""
    if not report.cells:
        return ""
    is_matrix = all(cell.given and cell.predicted for cell in report.cells)
    if is_matrix and len(report.labels) <= WIDEST_MATRIX:
        return _draw_matrix(report, translate)
    rows = [
        [
            cut_visible(cell.given, LONGEST_LABEL) or "–",
            element("td", cut_visible(cell.predicted, LONGEST_LABEL) or "–", class_="text"),
            _link(number, cell),
        ]
        for number, cell in enumerate(report.cells[:LISTED])
    ]
    return table([translate(head) for head in ("given", "predicted", "rows")], rows)


def _draw_matrix(report: ErrorReport, translate: Translate) -> Markup:
    numbers = {(cell.given, cell.predicted): n for n, cell in enumerate(report.cells)}
    shown = [cut_visible(label, LONGEST_LABEL) for label in report.labels]
    rows = []
    for given, name in zip(report.labels, shown, strict=True):
        links: list[object] = []
        for predicted in report.labels:
            number = numbers.get((given, predicted))
            links.append("" if number is None else _link(number, report.cells[number]))
        rows.append([name, *links])
    return table([translate("given \\ predicted"), *shown], rows)


def _link(number: int, cell: CellCount) -> Markup:
    return element("a", f"{cell.rows:,}", href="#rows", data_cell=number)


def _to_csv(report: ErrorReport) -> str:
    heads = ["file", "row", "text", "given", "predicted", "probability", report.loss_name]
    rows = (
        [
            row.file,
            row.row or "",
            row.text,
            row.given,
            row.predicted,
            "" if row.probability is None else f"{row.probability:.6g}",
            f"{row.loss:.6g}",
        ]
        for row in report.worst
    )
    return format_csv(heads, rows)


ERRORS = Formats[ErrorReport]({".html": draw_errors, ".csv": _to_csv})
