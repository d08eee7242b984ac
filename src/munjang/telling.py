"""What people are told by anything that takes a while: lines, and what it is busy with."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Say = Callable[[str], object]

# From what is being done to something that shows it while it lasts.
ShowStage = Callable[[str], AbstractContextManager[object]]

_show_stage: ContextVar[ShowStage] = ContextVar("show_stage", default=nullcontext)


def counted(count: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def silent(line: str) -> None:
    """Say nothing."""


@contextmanager
def stage(what: str) -> Iterator[None]:
    """Within, something lasts: `what`, such as "reading a.csv", is shown where someone watches."""
    with _show_stage.get()(what):
        yield


@contextmanager
def stages_shown(show: ShowStage) -> Iterator[None]:
    """Within, stages are shown by `show`. One inside another is not: the outer one stands."""
    token = _show_stage.set(lambda what: _alone(show, what))
    try:
        yield
    finally:
        _show_stage.reset(token)


@contextmanager
def _alone(show: ShowStage, what: str) -> Iterator[None]:
    token = _show_stage.set(nullcontext)
    try:
        with show(what):
            yield
    finally:
        _show_stage.reset(token)
