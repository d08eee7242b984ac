"""Output: results on standard output, notes for people on standard error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.json_text import json_text
from munjang.reporting import escape_line, escape_lines
from munjang.terminal.console import open_console
from munjang.terminal.wrapping import terminal_width, wrap

if TYPE_CHECKING:
    from rich.console import Console

OUTPUT = "standard output"


def note(line: str) -> None:
    """Write a line to standard error. A closed pipe there does not stop the program."""
    try:
        print(fit_line(line, sys.stderr), file=sys.stderr, flush=True)
    except BrokenPipeError:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (open to the end)


def show(line: str) -> None:
    """Write a line of the result to standard output, wrapped at words on a terminal."""
    with _to_output():
        print(fit_line(line, sys.stdout))


def show_unwrapped(line: str) -> None:
    """Write a line that a program may read: it is never wrapped."""
    with _to_output():
        print(_encodable(escape_lines(line), sys.stdout))


def show_part(text: str) -> None:
    """Write a part of a text as it is written; control characters but line breaks are escaped."""
    lines = text.split("\n")
    with _to_output():
        sys.stdout.write("\n".join(_encodable(escape_line(line), sys.stdout) for line in lines))
        sys.stdout.flush()


def flush() -> None:
    """Flush standard output."""
    with _to_output():
        sys.stdout.flush()


@contextmanager
def _to_output() -> Iterator[None]:
    """Name standard output in errors of the block, such as a full disk, that name no file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        error.filename = OUTPUT
        raise


def show_json(values: Any) -> None:
    """Write a result as JSON, indented."""
    show_unwrapped(json_text(values, indent=2))


def fit_line(line: str, stream: Any) -> str:
    """Return a line as a stream can show it: wrapped at words on a terminal."""
    line, width = escape_lines(line), terminal_width(stream)
    return _encodable(line if width is None else wrap(line, width), stream)


def _encodable(line: str, stream: Any) -> str:
    r"""Return the line with `\u....` for what the encoding of the stream lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return line.encode(encoding, errors="backslashreplace").decode(encoding)


def to_one_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return escape_line(" ".join(text.split()))


def make_console(*, error: bool = False, wide: bool = False) -> "Console":
    """Return a Rich console that prints texts literally: no markup, emoji codes or highlighting.

    Args:
        error: write to standard error.
        wide: show all columns of tables, whatever the width of the terminal.
    """
    from rich.console import Console

    class Screen(Console):
        def print(self, *given: Any, **named: Any) -> None:
            with _to_output():
                super().print(*given, **named)

    if error:
        return open_console(sys.stderr, wide=wide)
    return open_console(sys.stdout, wide=wide, kind=Screen)
