"""The current stage of a command on a terminal: a line with the elapsed time, erased at the end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from munjang.cli.output import make_console
from munjang.reporting import escape_line, show_stages


@contextmanager
def showing_stages(*, quiet: bool = False) -> Iterator[None]:
    """Show the stages of the block, such as reading files, on standard error.

    Nothing is shown in a pipe, or if `quiet`.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    with show_stages(_running):
        yield


@contextmanager
def _running(stage: str) -> Iterator[None]:
    """Show a spinner while the block runs."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=make_console(error=True), transient=True) as running:
        running.add_task(escape_line(stage), total=None)
        yield
