"""What a command is busy with, on a terminal: a line with the time it has taken, then gone."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from munjang.cli.output import console, shown
from munjang.reporting import show_stages


@contextmanager
def showing_stages(*, quiet: bool = False) -> Iterator[None]:
    """Within, stages such as reading or learning tokens are shown on standard error, if a terminal.

    In a pipe, and when `quiet`, nothing is.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    with show_stages(_running):
        yield


@contextmanager
def _running(what: str) -> Iterator[None]:
    """A line that turns while something lasts."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console(error=True), transient=True) as running:
        running.add_task(shown(what), total=None)
        yield
