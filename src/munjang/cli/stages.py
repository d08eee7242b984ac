"""The current stage of a command on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from munjang.reporting import show_stages
from munjang.terminal.stages import spinning


@contextmanager
def showing_stages(*, quiet: bool = False) -> Iterator[None]:
    """Show the stages of the block, such as reading files, on standard error.

    Nothing is shown in a pipe, or if `quiet`.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    with show_stages(spinning):
        yield
