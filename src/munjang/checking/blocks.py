"""Blocks that a report is drawn from: lines, tables and histograms, as rows without a layout.

Whatever draws them (the terminal, a page) needs to know nothing about texts, pairs or images.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line of text; an empty one is a space between blocks."""

    text: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: its title.
        rank: 0 is always drawn; on a narrow screen the highest rank is left out first.
        is_bar: its values are shares, 0 to 1, drawn as bars.
    """

    head: str
    rank: int = 0
    is_bar: bool = False


Cell = str | float


@dataclass(frozen=True)
class Grid:
    """A table: names in the first column, figures or bars in the others.

    Attributes:
        columns: from left to right.
        rows: one value per column; a row may be shorter.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Histogram:
    """Bars, one per bin.

    Attributes:
        bins: names of the bins.
        counts: rows in each bin.
    """

    bins: tuple[str, ...]
    counts: tuple[int, ...]


Block = Line | Grid | Histogram


def grid(heads: Sequence[str | Column], rows: Sequence[Sequence[Cell]]) -> Grid:
    """Return a table of columns, or their heads, and rows."""
    columns = (head if isinstance(head, Column) else Column(head) for head in heads)
    return Grid(tuple(columns), tuple(map(tuple, rows)))
