"""What people are told: lines, what lasts, and what of the data may stand in a line or a page."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Say = Callable[[str], object]

# From what is being done to something that shows it while it lasts.
ShowStage = Callable[[str], AbstractContextManager[object]]

_show_stage: ContextVar[ShowStage] = ContextVar("show_stage", default=nullcontext)

# Control characters, halves of surrogate pairs, separators of lines. Format characters stay: joined
# emoji and right-to-left marks need them.
_HIDDEN = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_ON_A_LINE = re.compile(f"[{_HIDDEN}]")
_IN_LINES = re.compile(f"(?![\n\t])[{_HIDDEN}]")
# What Markdown, or HTML in it, may see as more than a letter.
_MARKS = re.compile(r"[\\`*_\[\]|~$]|:(?=//)|(?<=www)\.")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# They turn all that follows on a line around.
_TURNING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def counted(count: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def silent(line: str) -> None:
    """Say nothing."""


def spelled(text: str) -> str:
    r"""A text of the data on one line: `\n`, `\t`, `\x1b` and the like are spelled out."""
    return _ON_A_LINE.sub(_escape, text)


def spelled_lines(text: str) -> str:
    """Likewise in lines, with tabs between columns: both stay."""
    return _IN_LINES.sub(_escape, text)


def markdown(text: str, longest: int = 100) -> str:
    """A text of the data inside of a line or a table of Markdown, where it is only itself."""
    line = _TURNING.sub(_escape, spelled(" ".join(text.split())))
    if len(line) > longest:
        line = f"{line[:longest]}…"
    line = _MARKS.sub(r"\\\g<0>", line)
    return "".join(_ENTITIES.get(letter, letter) for letter in line)


def markdown_list(names: Iterable[str], file: str, longest: int = 100) -> str:
    """Names of the data likewise, with commas; of very many the first ones, and where all stand."""
    names = list(names)
    more = len(names) - longest
    rest = f" and {more:,} more, which stand in `{file}`" if more > 0 else ""
    return ", ".join(map(markdown, names[:longest])) + rest


def _escape(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]


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
