"""What goes out: results on standard output, words for people on standard error."""

import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.cli.wrapping import terminal_width, wrapped
from munjang.reporting import escape_line, escape_lines

if TYPE_CHECKING:
    from rich.console import Console

OUTPUT = "standard output"
# Nothing is cut or wrapped where no terminal says how wide it is.
PIPE_WIDTH = 10_000


def note(line: str) -> None:
    """Say a line on standard error. That nobody reads it any more is no reason to stop."""
    try:
        print(fitting(line, sys.stderr), file=sys.stderr, flush=True)
    except BrokenPipeError:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (open to the end)


def show(line: str) -> None:
    """Write a line of the result to standard output; a terminal gets it cut at words."""
    with _to_output():
        print(fitting(line, sys.stdout))


def show_whole(line: str) -> None:
    """Write a line that a program may read, whatever the terminal."""
    with _to_output():
        print(_encodable(escape_lines(line), sys.stdout))


def flush() -> None:
    """Let nothing of the result wait in a buffer."""
    with _to_output():
        sys.stdout.flush()


@contextmanager
def _to_output() -> Iterator[None]:
    """Let an error of a full disk, which names no file, name standard output."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        error.filename = OUTPUT
        raise


def show_json(values: Any) -> None:
    """Write a result as JSON, indented."""
    show_whole(json_text(values, indent=2))


def json_text(values: Any, *, indent: int | None = None) -> str:
    """Values as JSON. A figure that is not a number becomes null, as JSON knows none."""
    text = json.dumps(_plain(values), ensure_ascii=False, indent=indent)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {str(key): _plain(value) for key, value in values.items()}
    if isinstance(values, Sequence) and not isinstance(values, str):
        return [_plain(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values


def fitting(line: str, stream: Any) -> str:
    """The line as a stream can show it: cut at words where that is a terminal."""
    line, width = escape_lines(line), terminal_width(stream)
    return _encodable(line if width is None else wrapped(line, width), stream)


def _encodable(line: str, stream: Any) -> str:
    """The line with `\\u....` for what a terminal of an old encoding cannot show."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return line.encode(encoding, errors="backslashreplace").decode(encoding)


def one_line(text: str) -> str:
    """`text` without line breaks and control characters."""
    return shown(" ".join(text.split()))


def shown(text: str) -> str:
    r"""A text of the data on one line of a terminal or a table: `\n`, `\t`, `\x1b` spelled out."""
    return escape_line(text)


# JSON allows them as they are; a terminal obeys them. A half of a pair is not encodable anyway.
_OBEYED = re.compile("[\x7f-\x9f\u2028\u2029]")


def console(*, error: bool = False, wide: bool = False) -> "Console":
    """A Rich console that takes texts literally: no markup, no emoji codes, no coloring.

    Args:
        error: it writes to standard error.
        wide: tables have all their columns, whatever the terminal.
    """
    from rich.console import Console

    class Screen(Console):
        def print(self, *given: Any, **named: Any) -> None:
            with _to_output():
                super().print(*given, **named)

    stream = sys.stderr if error else sys.stdout
    kind = Console if error else Screen
    return kind(
        file=stream,
        width=PIPE_WIDTH if wide else terminal_width(stream) or PIPE_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
    )
