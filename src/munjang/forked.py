"""Detection of a forked process, which has its parent's memory but none of its threads.

`fork` is how Linux starts workers by default up to Python 3.13, those of gunicorn and
`multiprocessing` among them. There, code that waits for a thread pool that the parent had started
waits for ever: PyTorch for the pool of OpenMP, column operations for the pool of Polars.
"""

import os
import re
import sys
from pathlib import Path

from munjang.errors import ConfigError

_THREADS = Path("/proc/self/task")
_POLARS_THREAD = re.compile(r"polars-\d+\s*")

_state = {"forked": False, "polars": True}


def is_forked() -> bool:
    """Return whether this process was forked after `munjang` was imported in its parent."""
    return _state["forked"]


def require_polars(operation: str) -> None:
    """Raise if an operation on columns would wait for ever in this process.

    Args:
        operation: its name, as the beginning of a sentence.

    Raises:
        ConfigError: this process was forked from one that had started the threads of Polars.
    """
    if not _state["polars"]:
        raise ConfigError(
            f"{operation} would wait for ever in this process: it was forked, and the threads of "
            "Polars that its parent process had started do not exist here. Start workers with "
            "multiprocessing.get_context('spawn'), or fork before the first training or reading of "
            "data; predict works in a forked process"
        )


def _has_polars_threads() -> bool:
    """Return whether the thread pool of Polars has been started in this process."""
    if "polars" not in sys.modules:
        return False
    if not _THREADS.is_dir():  # only Linux lists threads; elsewhere it may have been
        return True
    for thread in _THREADS.iterdir():
        try:
            name = (thread / "comm").read_text()
        except OSError:  # a thread that has just ended
            continue
        if _POLARS_THREAD.fullmatch(name):
            return True
    return False


def _before_fork() -> None:
    _state["lost"] = _has_polars_threads()


def _after_fork_in_child() -> None:
    _state["forked"] = True
    _state["polars"] = _state["polars"] and not _state["lost"]


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
