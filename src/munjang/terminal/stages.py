"""A stage on a terminal: a line with the elapsed time, erased at the end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from munjang.reporting import escape_line
from munjang.terminal.console import open_console


@contextmanager
def spinning(stage: str) -> Iterator[None]:
    """Show a spinner on standard error while the block runs."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=open_console(sys.stderr), transient=True) as running:
        running.add_task(escape_line(stage), total=None)
        yield
