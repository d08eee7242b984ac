"""The blocks of a report, drawn on the terminal."""

from collections.abc import Iterable
from typing import assert_never

from munjang.checking.blocks import Block, Grid, Histogram, Line
from munjang.cli.fitting import WIDEST_BAR, Column, FittedTable, draw_bar
from munjang.cli.output import make_console, show
from munjang.cli.tables import label_text, make_table
from munjang.reporting import escape_line


def draw(blocks: Iterable[Block], *, wide: bool = False) -> None:
    """Draw the blocks below one another on standard output.

    Args:
        blocks: of a report.
        wide: draw all columns of tables, whatever the width of the terminal.
    """
    screen = make_console(wide=wide)
    for block in blocks:
        match block:
            case Line():
                show(escape_line(block.text))
            case Grid():
                screen.print(_table(block))
            case Histogram():
                _draw_histogram(block)
            case _:
                assert_never(block)


def _table(block: Grid) -> FittedTable:
    first, *others = block.columns
    columns = (Column(c.head, c.rank, left=c.is_bar, bar=c.is_bar) for c in others)
    table = make_table(first.head, *columns)
    for row in block.rows:
        table.add_row(*(label_text(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def _draw_histogram(block: Histogram) -> None:
    """Draw a bar per line, the longest one for the largest count."""
    widest, most = max(map(len, block.bins)), max(block.counts)
    taken = len(f"  {'':>{widest}}  {most:,}")
    room = min(WIDEST_BAR, max(1, make_console().width - taken))
    for name, count in zip(block.bins, block.counts, strict=True):
        show(f"  {name:>{widest}} {draw_bar(count / most, room)} {count:,}")
