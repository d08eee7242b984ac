"""Tables that fit the width of the terminal.

Every column has a rank. If not all columns fit, those of the highest rank are left out, and a line
below the table names them. Numbers are never cut; texts are wrapped at words. Without a terminal,
or on a wide one, all columns are drawn.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from munjang.terminal.wrapping import cell_width, wrap, wrap_cell

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

# Minimum widths of a column of texts: readable, and legible at all.
_WELL, _LEAST = 24, 8
# Columns that are always drawn.
_FEWEST = 2
WIDEST_BAR, _LEAST_BAR = 40, 8
# Cells that Rich draws between two columns, and at both ends of a row.
_BETWEEN, _ENDS = 3, 2

# A text, or the share that a bar shows.
Cell = str | float


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: heading.
        rank: 0 is always drawn; the highest rank is left out first.
        left: align to the left; numbers are aligned to the right.
        flows: True for texts, which may be wrapped.
        bar: True for shares, drawn as bars.
    """

    head: str
    rank: int = 0
    left: bool = False
    flows: bool = False
    bar: bool = False


class FittedTable:
    """A table that Rich draws at the width of its console.

    Args:
        columns: columns from left to right.
        title: line above the table.
    """

    def __init__(self, columns: Sequence[Column], *, title: str | None = None) -> None:
        self.columns = list(columns)
        self.title = title
        self.rows: list[tuple[list[Cell], bool]] = []

    def add_row(self, *values: Cell, end_section: bool = False) -> None:
        """Add a row: a text per column, or a share for a column of bars."""
        empty = [""] * (len(self.columns) - len(values))
        self.rows.append(([*values, *empty], end_section))

    def add_section(self) -> None:
        """Leave a space after the last row."""
        values, _ = self.rows.pop()
        self.rows.append((values, True))

    def fits(self, width: int) -> bool:
        """Return whether all columns fit into `width`, with texts wrapped."""
        widest = (self._widest(place) for place in range(len(self.columns)))
        flows = (column.flows for column in self.columns)
        least = [min(w, _WELL) if f else w for w, f in zip(widest, flows, strict=True)]
        return _total(least) <= width

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Draw the table, and name the columns that were left out."""
        width = options.max_width
        places = self._places(width)
        yield self._draw(dict(zip(places, self._widths(places, width), strict=True)))
        left_out = [c.head for n, c in enumerate(self.columns) if n not in places and c.head]
        if left_out:
            yield Text(wrap(f"--wide also shows: {', '.join(left_out)}", width))

    def _places(self, width: int) -> list[int]:
        """Return the numbers of the columns that fit."""
        places = list(range(len(self.columns)))
        while _total([self._narrowest(place) for place in places]) > width:
            rank, last = max((self.columns[place].rank, place) for place in places)
            if not rank:
                break
            places.remove(last)
        while len(places) > _FEWEST and self._total_of_words(places) > width:
            places.pop()
        return places

    def _total_of_words(self, places: Sequence[int]) -> int:
        """Return the width of the table with texts wrapped at every word and long words cut."""
        flows = (self.columns[place].flows for place in places)
        return _total(
            [
                min(self._longest_word(place), _WELL) if flow else self._narrowest(place)
                for place, flow in zip(places, flows, strict=True)
            ]
        )

    def _widths(self, places: Sequence[int], width: int) -> list[int]:
        """Return the width of each column: its minimum, and a part of the cells left over."""
        least = [self._narrowest(place) for place in places]
        texts = [n for n, place in enumerate(places) if self.columns[place].flows]
        # still too wide: the widest texts become narrower, and at last words are cut
        for floor in ([self._longest_word(place) for place in places], [_LEAST] * len(places)):
            while _total(least) > width:
                shrinkable = [number for number in texts if least[number] > floor[number]]
                if not shrinkable:
                    break
                least[max(shrinkable, key=lambda n: least[n])] -= 1
        wanted = [self._widest(place) for place in places]
        left = max(0, width - _total(least))
        for number in sorted(range(len(places)), key=lambda n: self.columns[places[n]].rank):
            more = min(left, max(0, wanted[number] - least[number]))
            least[number] += more
            left -= more
        return least

    def _widest(self, place: int) -> int:
        """Return the width of a column without wrapping."""
        column = self.columns[place]
        if column.bar:
            return max(cell_width(column.head), WIDEST_BAR)
        return max(cell_width(text) for text in (column.head, *self._texts(place)))

    def _narrowest(self, place: int) -> int:
        """Return the minimum width of a column: numbers whole, texts and heading wrapped."""
        column = self.columns[place]
        head = max(map(cell_width, column.head.split()), default=0)
        if column.bar:
            return max(head, _LEAST_BAR)
        widest = max(map(cell_width, self._texts(place)), default=0)
        if column.flows:
            widest = min(widest, max(_WELL, self._longest_word(place)))
        return max(head, widest)

    def _longest_word(self, place: int) -> int:
        texts = (self.columns[place].head, *self._texts(place))
        return max((cell_width(word) for text in texts for word in text.split()), default=0)

    def _texts(self, place: int) -> list[str]:
        return [str(values[place]) for values, _ in self.rows]

    def _draw(self, widths: dict[int, int]) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            title=self.title,
            title_justify="left",
            title_style="bold",
            header_style="bold",
            pad_edge=False,
        )
        for place, width in widths.items():
            column = self.columns[place]
            head = "\n".join(wrap_cell(column.head, width))
            table.add_column(
                head, justify="left" if column.left else "right", width=width, no_wrap=True
            )
        for values, ends in self.rows:
            drawn = (_wrap_value(values[place], width) for place, width in widths.items())
            table.add_row(*drawn, end_section=ends)
        return table


class FirstThatFits:
    """Several versions of a table: the first whose columns all fit is drawn, else the last.

    Args:
        tables: versions, the most detailed first.
        otherwise: note below the last version.
    """

    def __init__(self, *tables: FittedTable, otherwise: str) -> None:
        self.tables = tables
        self.otherwise = otherwise

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Draw the first version that fits."""
        for table in self.tables[:-1]:
            if table.fits(options.max_width):
                yield table
                return
        yield self.tables[-1]
        yield Text(wrap(self.otherwise, options.max_width))


def _wrap_value(value: Cell, width: int) -> str:
    if isinstance(value, str):
        return "\n".join(wrap_cell(value, width))
    return draw_bar(value, min(width, WIDEST_BAR))


def draw_bar(share: float, width: int) -> str:
    """Return a bar of up to `width` cell_width, of `#` if the encoding has no blocks."""
    filled = round(share * width)
    try:
        "█".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return "#" * filled
    return "█" * filled


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN * max(0, len(widths) - 1) + _ENDS
