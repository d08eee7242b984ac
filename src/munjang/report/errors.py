"""Errors of a model as a page or a table: confusions that filter a list of rows, and slices."""

from dataclasses import dataclass

from markupsafe import Markup

from munjang.diagnosis.errors import CellCount, ErrorReport, ErrorRow
from munjang.diagnosis.slices import Slice
from munjang.report.formats import Formats
from munjang.report.html import element, render, table
from munjang.report.spreadsheet import format_csv
from munjang.report.visible import language, visible_text

# A matrix of more classes is too wide to read: the commonest confusions are listed instead.
WIDEST_MATRIX, LISTED = 30, 100
LONGEST_TEXT, LONGEST_LABEL = 400, 80


def draw_errors(report: ErrorReport) -> Markup:
    """Return the page."""
    return render("errors.html.jinja", title="Errors", errors=error_values(report))


def error_values(report: ErrorReport) -> dict[str, object]:
    """Return what the macro `errors` of errors.jinja shows."""
    return {
        "summary": summarize(report),
        "cells": _draw_cells(report),
        "worse": [part for part in report.slices if part.is_worse],
        "slices": table(
            ["slice", "", "rows", report.score_name, "95 % interval", "the rest", "p"],
            [_slice_cells(part) for part in report.slices],
        ),
        "rows": [_Shown.of(row) for row in report.worst],
        "loss_name": report.loss_name,
    }


def summarize(report: ErrorReport) -> str:
    """Return one line on all rows."""
    worse = [f"{part.kind} {part.name}" for part in report.slices if part.is_worse]
    line = (
        f"{report.rows:,} rows: {report.score_name} {report.score:.4f} "
        f"({report.low:.4f} to {report.high:.4f})"
    )
    if not worse:
        return f"{line}; no slice is worse than the rest beyond chance"
    more = f" and {len(worse) - 5} more" if len(worse) > 5 else ""
    return f"{line}; worse than the rest beyond chance: {', '.join(worse[:5])}{more}"


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
            text=_cut(row.text, LONGEST_TEXT),
            lang=language(row.text[:LONGEST_TEXT]),
            given=_cut(row.given, LONGEST_LABEL),
            predicted=_cut(row.predicted, LONGEST_LABEL),
            probability="" if row.probability is None else f"{row.probability:.3f}",
            loss=f"{row.loss:.4g}",
            cells=" ".join(map(str, row.cells)),
            is_wrong=row.is_right is False,
        )


def _cut(text: str, longest: int) -> str:
    shown = visible_text(text[:longest])
    return f"{shown}…" if len(text) > longest else shown


def _slice_cells(part: Slice) -> list[object]:
    p = "" if part.p_value != part.p_value else f"{part.p_value:.2g}"
    name = _cut(part.name, LONGEST_LABEL)
    return [
        part.kind,
        element("td", name, class_="wrong" if part.is_worse else "text"),
        f"{part.rows:,}",
        f"{part.score:.4f}",
        f"{part.low:.4f} to {part.high:.4f}",
        f"{part.rest:.4f}",
        p,
    ]


def _draw_cells(report: ErrorReport) -> Markup | str:
    """Return the confusions as a matrix or a list of links that filter the rows; "" if none."""
    if not report.cells:
        return ""
    is_matrix = all(cell.given and cell.predicted for cell in report.cells)
    if is_matrix and len(report.labels) <= WIDEST_MATRIX:
        return _draw_matrix(report)
    rows = [
        [
            _cut(cell.given, LONGEST_LABEL) or "–",
            element("td", _cut(cell.predicted, LONGEST_LABEL) or "–", class_="text"),
            _link(number, cell),
        ]
        for number, cell in enumerate(report.cells[:LISTED])
    ]
    return table(["given", "predicted", "rows"], rows)


def _draw_matrix(report: ErrorReport) -> Markup:
    numbers = {(cell.given, cell.predicted): n for n, cell in enumerate(report.cells)}
    shown = [_cut(label, LONGEST_LABEL) for label in report.labels]
    rows = []
    for given, name in zip(report.labels, shown, strict=True):
        links: list[object] = []
        for predicted in report.labels:
            number = numbers.get((given, predicted))
            links.append("" if number is None else _link(number, report.cells[number]))
        rows.append([name, *links])
    return table(["given \\ predicted", *shown], rows)


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
