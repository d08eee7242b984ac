"""A bar on a terminal, on standard error."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from munjang.reporting import escape_line
from munjang.terminal.console import open_console
from munjang.terminal.stages import spinning
from munjang.terminal.wrapping import terminal_width, wrap

# Parts of the line that are left out, in this order, before the bar becomes too short.
_LEFT_OUT_FIRST = ("rate", "score", "left", "loss", "text")
_SHORTEST_BAR = 6


class TerminalBar:
    """A bar as wide as the terminal, with lines above it.

    Args:
        is_transient: erase the bar at the end.
    """

    def __init__(self, *, is_transient: bool = False) -> None:
        self._is_transient = is_transient
        self._console = open_console(sys.stderr)
        self._bar: Any = None

    def draw(self, done: int, total: int, parts: Mapping[str, str]) -> None:
        """Draw the bar, with as many of the parts as fit beside it."""
        self._console.width = terminal_width(sys.stderr) or self._console.width  # it may change
        if self._bar is None:
            self._start(total, parts)
        room = self._console.width - len(f"{total}/{total}") - _SHORTEST_BAR
        fields = _leave_out({name: escape_line(text) for name, text in parts.items()}, room)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total, **fields)

    def print(self, line: str) -> None:
        """Write a line above the bar, wrapped at words."""
        self._console.print(wrap(line, self._console.width))

    def stage(self, description: str) -> AbstractContextManager[None]:
        """Show a spinner while the block runs."""
        return spinning(description)

    def close(self) -> None:
        """Stop drawing; the last state of the bar stays, unless it is transient."""
        if self._bar is not None:
            self._bar.stop()

    def _start(self, total: int, names: Mapping[str, str]) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        self._bar = Progress(
            BarColumn(bar_width=None),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            *(
                TextColumn(
                    f"{{task.fields[{name}]}}",
                    markup=False,
                    table_column=Column(no_wrap=True),
                )
                for name in names
            ),
            console=self._console,
            expand=True,
            transient=self._is_transient,
        )
        self._bar.add_task("", total=total, **dict.fromkeys(names, ""))
        self._bar.start()


def _leave_out(parts: dict[str, str], width: int) -> dict[str, str]:
    """Return the parts of the line that fit into `width`; the others become empty."""
    parts = dict(parts)
    for name in _LEFT_OUT_FIRST:
        if sum(len(text) + 1 for text in parts.values()) <= width:
            break
        if name in parts:
            parts[name] = ""
    return parts
