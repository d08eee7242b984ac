"""Lines for people: where they go, stages that last, and escaping of text from the data."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Report = Callable[[str], object]

# From a description of the stage to a context manager that shows it while it lasts.
ShowStage = Callable[[str], AbstractContextManager[object]]

_show_stage: ContextVar[ShowStage] = ContextVar("show_stage", default=nullcontext)

# Control characters, halves of surrogate pairs, separators of lines. Format characters stay: joined
# emoji and right-to-left marks need them.
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_CONTROL_IN_LINE = re.compile(f"[{_CONTROL}]")
_CONTROL_IN_LINES = re.compile(f"(?![\n\t])[{_CONTROL}]")
# Characters that Markdown, or HTML within it, may read as markup.
_MARKUP = re.compile(r"[\\`*_\[\]|~$]|:(?=//)|(?<=www)\.")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Direction marks reverse the rest of a line.
_DIRECTION_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def pluralize(count: int, noun: str) -> str:
    """Return the number with its noun: `1 row`, `2 rows`, `1,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def discard(line: str) -> None:
    """Ignore the line: the `Report` of a caller that wants none."""


def escape_line(text: str) -> str:
    r"""Return `text` on one line, with control characters written as `\n`, `\t`, `\x1b`."""
    return text if text.isprintable() else _CONTROL_IN_LINE.sub(_escape, text)


def escape_lines(text: str) -> str:
    """Return `text` with control characters escaped, except for newlines and tabs."""
    return text if text.isprintable() else _CONTROL_IN_LINES.sub(_escape, text)


def escape_markdown(text: str, longest: int = 100) -> str:
    """Return `text` for a line or a table of Markdown, where none of it is read as markup.

    Args:
        text: text from the data.
        longest: number of characters to keep; a longer text ends in "…".
    """
    line = _DIRECTION_MARKS.sub(_escape, escape_line(" ".join(text.split())))
    if len(line) > longest:
        line = f"{line[:longest]}…"
    line = _MARKUP.sub(r"\\\g<0>", line)
    return "".join(_ENTITIES.get(letter, letter) for letter in line)


def format_markdown_list(names: Iterable[str], file: str, longest: int = 100) -> str:
    """Return escaped names separated by commas.

    Args:
        names: names from the data.
        file: the file that holds all of them, mentioned if the list is cut.
        longest: number of names to write.
    """
    names = list(names)
    more = len(names) - longest
    rest = f" and {more:,} more, listed in `{file}`" if more > 0 else ""
    return ", ".join(map(escape_markdown, names[:longest])) + rest


def _escape(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]


@contextmanager
def stage(description: str) -> Iterator[None]:
    """Show a stage such as "reading a.csv" for as long as the block runs.

    Only an interactive terminal shows stages; see `show_stages`.
    """
    with _show_stage.get()(description):
        yield


@contextmanager
def show_stages(show: ShowStage) -> Iterator[None]:
    """Show the stages of the block with `show`. A stage within another one is not shown."""
    token = _show_stage.set(lambda description: _without_nested(show, description))
    try:
        yield
    finally:
        _show_stage.reset(token)


@contextmanager
def _without_nested(show: ShowStage, description: str) -> Iterator[None]:
    token = _show_stage.set(nullcontext)
    try:
        with show(description):
            yield
    finally:
        _show_stage.reset(token)
