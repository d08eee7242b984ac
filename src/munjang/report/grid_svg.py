"""Rows of shaded cells as one SVG picture: a token per column, or a word.

Colors stand at every shape, for programs that read no style sheet, and change in a dark color
scheme. Cells of one shade are one path, so that a picture of many cells stays small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from munjang.report.html import element
from munjang.report.labels import ColumnLabels, Label
from munjang.report.picture import DARK_FULL, draw_picture
from munjang.report.shades import LIGHT

_CELL, _STRIP = 20.0, 14.0
_EDGE, _LINE, _SIZE = 20.0, 20.0, 13.0
_LONGEST = 12.0  # label, in multiples of the font size
_LEVELS = 20


@dataclass(frozen=True)
class GridRow:
    """One row of cells.

    Attributes:
        label: to the left of it.
        shades: opacity of the full color of each cell, 0 to 1.
        heading: line above it; "" for none.
        is_name: True if the label is a name rather than a token.
    """

    label: str
    shades: Sequence[float]
    heading: str = ""
    is_name: bool = False


def draw_grid(title: str, columns: Sequence[str], rows: Sequence[GridRow]) -> Markup:
    """Return the picture.

    Args:
        title: for people who do not see it, and for tooltips.
        columns: label of each column.
        rows: from top to bottom, with a cell per column.
    """
    labels = [Label(row.label, _SIZE, _LONGEST, is_name=row.is_name) for row in rows]
    left = _EDGE + max((label.width for label in labels), default=0.0) + 8
    height = _CELL if len(rows) == len(columns) else _STRIP
    heads = ColumnLabels([Label(column, _SIZE, _LONGEST) for column in columns])
    y = _EDGE + heads.height + 6
    marks = heads.draw(left, y - 6, _CELL)
    for row, label in zip(rows, labels, strict=True):
        if row.heading:
            marks.append(element("text", row.heading, x=_EDGE, y=f"{y + 16:g}", font_weight=600))
            y += 1.2 * _LINE
        marks.append(label.draw(left - 8, y + height / 2 + 4.5, ends=True))
        marks.append(_cells(row.shades, left, y, height))
        y += height + 1
    width = left + _CELL * len(columns) + max(_EDGE, heads.overhang)
    return draw_picture(
        title,
        marks,
        width,
        y + _EDGE,
        dark=DARK_FULL,
    )


def _cells(shades: Sequence[float], left: float, top: float, height: float) -> Markup:
    """Return the cells of a row, one path per shade."""
    paths: dict[int, list[str]] = {}
    for number, shade in enumerate(shades):
        level = round(_LEVELS * min(1.0, max(0.0, shade)))
        at = f"M{number * _CELL:g} 0h{_CELL - 1:g}v{height:g}h{1 - _CELL:g}z"
        paths.setdefault(level, []).append(at)
    drawn = (
        element(
            "path", class_="full", d="".join(parts), fill=LIGHT.full, fill_opacity=level / _LEVELS
        )
        for level, parts in sorted(paths.items())
        if level
    )
    faint = element("rect", class_="faint", width=f"{len(shades) * _CELL:g}", height=f"{height:g}",
                    fill="#808080", fill_opacity=0.1)  # fmt: skip
    return element("g", faint, *drawn, transform=f"translate({left:g} {top:g})")
