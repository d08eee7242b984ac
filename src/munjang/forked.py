"""What is left in a forked process: the memory of the other one, and none of its threads.

`fork` is how Linux starts workers by default up to Python 3.13, those of gunicorn and
`multiprocessing` among them. Whatever waits there for a thread of a pool that was started before
the fork waits for ever: OpenMP's, on which PyTorch computes, and that of Polars, on which columns
are worked on.
"""

import os
import re
import sys
from pathlib import Path

from munjang.errors import ConfigError

_TASKS = Path("/proc/self/task")
_OF_POLARS = re.compile(r"polars-\d+\s*")

_state = {"forked": False, "polars": True}


def is_forked() -> bool:
    """Whether this process was forked off another one after `munjang` was imported there."""
    return _state["forked"]


def require_columns(what: str) -> None:
    """Refuse what works on columns where it would wait for ever.

    Args:
        what: the thing that was asked for, at the beginning of a sentence.

    Raises:
        ConfigError: this process was forked off one that had worked on columns.
    """
    if not _state["polars"]:
        raise ConfigError(
            f"{what} would wait for ever in this process: it was forked, and the threads of Polars "
            "that the other process had started are not here. Start workers with "
            "multiprocessing.get_context('spawn'), or fork before the first training or reading of "
            "data; predict works in a forked process"
        )


def _polars_works() -> bool:
    """Whether the pool of Polars has been started in this process."""
    if "polars" not in sys.modules:
        return False
    if not _TASKS.is_dir():  # only Linux tells; elsewhere it may have been
        return True
    for task in _TASKS.iterdir():
        try:
            name = (task / "comm").read_text()
        except OSError:  # a thread that has just ended
            continue
        if _OF_POLARS.fullmatch(name):
            return True
    return False


def _before() -> None:
    _state["lost"] = _polars_works()


def _in_child() -> None:
    _state["forked"] = True
    _state["polars"] = _state["polars"] and not _state["lost"]


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_before, after_in_child=_in_child)
