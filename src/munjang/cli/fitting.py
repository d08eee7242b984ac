"""Tables that fit the terminal they are drawn on.

Each column says how much it matters. Where not all have room, those that matter least are left out,
and a line below the table names them. Figures are never cut; texts flow over several lines, cut at
words. Where there is no terminal, or it is wide, all columns are there.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from munjang.cli.wrapping import cells, flowed, wrapped

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

# Of a column of texts: the least that reads well, the least that can be read at all.
_WELL, _LEAST = 24, 8
# Columns that are drawn on whatever terminal.
_FEWEST = 2
WIDEST_BAR, _LEAST_BAR = 40, 8
# What Rich draws between two columns, and at both ends of a row.
_BETWEEN, _ENDS = 3, 2

# A text, or the share that a bar draws.
Cell = str | float


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: its head.
        rank: 0 stays, the highest is left out first.
        left: it stands to the left; figures stand to the right.
        flows: it holds texts, which may take several lines.
        bar: it holds shares, drawn as bars.
    """

    head: str
    rank: int = 0
    left: bool = False
    flows: bool = False
    bar: bool = False


class FittedTable:
    """Columns, and rows of texts; drawn by Rich, at the width of its console.

    Args:
        columns: from left to right.
        title: above it.
    """

    def __init__(self, columns: Sequence[Column], *, title: str | None = None) -> None:
        self.columns = list(columns)
        self.title = title
        self.rows: list[tuple[list[Cell], bool]] = []

    def add_row(self, *values: Cell, end_section: bool = False) -> None:
        """Add a row: a text for each column, or a share where a bar is drawn."""
        empty = [""] * (len(self.columns) - len(values))
        self.rows.append(([*values, *empty], end_section))

    def add_section(self) -> None:
        """Draw a space behind the last row."""
        values, _ = self.rows.pop()
        self.rows.append((values, True))

    def fits(self, width: int) -> bool:
        """Whether all columns have room; heads and figures as they are, texts in lines."""
        widest = (self._widest(place) for place in range(len(self.columns)))
        flows = (column.flows for column in self.columns)
        least = [min(w, _WELL) if f else w for w, f in zip(widest, flows, strict=True)]
        return _total(least) <= width

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Draw it, and name the columns that had no room."""
        width = options.max_width
        places = self._places(width)
        yield self._drawn(dict(zip(places, self._widths(places, width), strict=True)))
        left_out = [c.head for n, c in enumerate(self.columns) if n not in places and c.head]
        if left_out:
            yield Text(wrapped(f"--wide also shows: {', '.join(left_out)}", width))

    def _places(self, width: int) -> list[int]:
        """The columns that are drawn: as many as have room."""
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
        """The whole width when texts are cut at each of their words, and long words too."""
        flows = (self.columns[place].flows for place in places)
        return _total(
            [
                min(self._longest_word(place), _WELL) if flow else self._narrowest(place)
                for place, flow in zip(places, flows, strict=True)
            ]
        )

    def _widths(self, places: Sequence[int], width: int) -> list[int]:
        """A width for each column: what it needs, and a fair part of what is left over."""
        least = [self._narrowest(place) for place in places]
        texts = [n for n, place in enumerate(places) if self.columns[place].flows]
        # no room even so: the widest texts become narrow, and in the end words are cut too
        for floor in ([self._longest_word(place) for place in places], [_LEAST] * len(places)):
            while _total(least) > width:
                gives = [number for number in texts if least[number] > floor[number]]
                if not gives:
                    break
                least[max(gives, key=lambda n: least[n])] -= 1
        wanted = [self._widest(place) for place in places]
        left = max(0, width - _total(least))
        for number in sorted(range(len(places)), key=lambda n: self.columns[places[n]].rank):
            more = min(left, max(0, wanted[number] - least[number]))
            least[number] += more
            left -= more
        return least

    def _widest(self, place: int) -> int:
        """Cells that a column takes when nothing of it is wrapped."""
        column = self.columns[place]
        if column.bar:
            return max(cells(column.head), WIDEST_BAR)
        return max(cells(text) for text in (column.head, *self._texts(place)))

    def _narrowest(self, place: int) -> int:
        """Cells that a column needs: its figures whole, its head and its texts cut at words."""
        column = self.columns[place]
        head = max(map(cells, column.head.split()), default=0)
        if column.bar:
            return max(head, _LEAST_BAR)
        widest = max(map(cells, self._texts(place)), default=0)
        if column.flows:
            widest = min(widest, max(_WELL, self._longest_word(place)))
        return max(head, widest)

    def _longest_word(self, place: int) -> int:
        texts = (self.columns[place].head, *self._texts(place))
        return max((cells(word) for text in texts for word in text.split()), default=0)

    def _texts(self, place: int) -> list[str]:
        return [str(values[place]) for values, _ in self.rows]

    def _drawn(self, widths: dict[int, int]) -> Table:
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
            head = "\n".join(flowed(column.head, width))
            table.add_column(
                head, justify="left" if column.left else "right", width=width, no_wrap=True
            )
        for values, ends in self.rows:
            drawn = (_in_lines(values[place], width) for place, width in widths.items())
            table.add_row(*drawn, end_section=ends)
        return table


class FirstThatFits:
    """The first of several tables whose columns all have room, else the last.

    Args:
        tables: the first says all that there is to say.
        otherwise: said below the last, where that is drawn.
    """

    def __init__(self, *tables: FittedTable, otherwise: str) -> None:
        self.tables = tables
        self.otherwise = otherwise

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Draw it."""
        for table in self.tables[:-1]:
            if table.fits(options.max_width):
                yield table
                return
        yield self.tables[-1]
        yield Text(wrapped(self.otherwise, options.max_width))


def _in_lines(value: Cell, width: int) -> str:
    if isinstance(value, str):
        return "\n".join(flowed(value, width))
    return bar(value, min(width, WIDEST_BAR))


def bar(share: float, width: int) -> str:
    """A bar of up to `width` cells; of `#` where the terminal cannot show blocks."""
    filled = round(share * width)
    try:
        "█".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return "#" * filled
    return "█" * filled


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN * max(0, len(widths) - 1) + _ENDS
