"""Where progress is shown: in a notebook, on a terminal, or nowhere."""

import multiprocessing
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from munjang.progress.display import Bar, Display
from munjang.progress.notebook import NotebookBar, find_notebook
from munjang.progress.terminal import TerminalBar
from munjang.reporting import show_stages

# Two bars at once, of threads or of a training within another, would write over one another.
_shown = threading.Lock()


@contextmanager
def show_progress(is_wanted: bool, *, is_transient: bool = False) -> Iterator[Display]:
    """Yield a display of the work of the block.

    It is a bar in a notebook, or on a terminal if both standard output and standard error write to
    it. In a pipe, in a process that `multiprocessing` or joblib started, and while another bar is
    shown, it draws nothing.

    Args:
        is_wanted: False draws nothing.
        is_transient: the bar goes when the block ends.
    """
    if not (is_wanted and _shown.acquire(blocking=False)):
        yield Display(None)
        return
    try:
        bar = _open_bar(is_transient=is_transient)
        if bar is None:
            yield Display(None)
            return
        try:
            with show_stages(bar.stage):
                yield Display(bar)
        finally:
            bar.close()
    finally:
        _shown.release()


def _open_bar(*, is_transient: bool) -> Bar | None:
    if multiprocessing.parent_process() is not None:
        return None
    display = find_notebook()
    if display is not None:
        return NotebookBar(display, is_transient=is_transient)
    if _is_terminal(sys.stdout) and _is_terminal(sys.stderr):
        return TerminalBar(is_transient=is_transient)
    return None


def _is_terminal(stream: object) -> bool:
    """Return whether a stream writes to a terminal; a program without a console has None."""
    isatty = getattr(stream, "isatty", None)
    try:
        return isatty is not None and bool(isatty())
    except ValueError:  # it was closed
        return False
