"""Pseudo-terminals, and what a person would see on them."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterable

import pytest
from rich.cells import cell_len

from munjang.cli import main
from tests.system.commands import MUNJANG, TIMEOUT, environment

# Colors, moves of the cursor, and what hides it.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_DRAWN = set("─━╸╺█")
_STAGE = re.compile(r"^\s*[⠀-⣿] .*$", re.MULTILINE)  # what lasts, until it is done


def _open(columns: int) -> tuple[int, int]:
    """Our end and theirs of a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    return ours, theirs


def _read_all(ours: int) -> bytes:
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side has closed
            return seen
        if not part:
            return seen
        seen += part


def run_in_terminal(*arguments: object, columns: int = 120) -> tuple[int, str]:
    """Exit code and everything that a process writes to a terminal of its own."""
    ours, theirs = _open(columns)
    command = [*MUNJANG, *map(str, arguments)]
    surroundings = {**environment(), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=surroundings, close_fds=True
    )
    os.close(theirs)
    seen = _read_all(ours)
    os.close(ours)
    return process.wait(TIMEOUT), seen.decode(errors="replace")


def call_in_terminal(
    monkeypatch: pytest.MonkeyPatch, *arguments: object, columns: int = 80
) -> tuple[int, str]:
    """Run a command in this process, which is faster."""
    ours, theirs = _open(columns)
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.append(_read_all(ours)))
    reader.start()
    with monkeypatch.context() as patch, os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        patch.setenv("TERM", "xterm-256color")
        patch.delenv("COLUMNS", raising=False)
        patch.setattr(sys, "stdout", terminal)
        patch.setattr(sys, "stderr", terminal)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
    reader.join()
    os.close(ours)
    return int(ended.value.code or 0), seen[0].decode()


def to_lines(seen: str) -> list[str]:
    """The lines that were written, without colors; also those that were written over."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", _CONTROL.sub("", seen))]


def assert_fits(seen: str, columns: int = 80) -> None:
    """No line is wider than the terminal, which would break it anywhere."""
    wide = [line for line in to_lines(seen) if cell_len(line) > columns]
    assert not wide, "\n".join(wide)


def to_words(text: str) -> set[str]:
    """All that stands between spaces, but for what is drawn and what goes again."""
    text = _STAGE.sub("", "\n".join(to_lines(text)))
    return {word for word in text.split() if not set(word) <= _DRAWN}


def assert_words_not_broken(seen: str, piped: str, *, drawn: Iterable[str] = ()) -> None:
    """Every name, word and figure of the terminal stands, whole, in what a pipe gets."""
    known = to_words(piped) | {"\\", *drawn}
    broken = {word for word in to_words(seen) if not {word, word.rstrip(",")} & known}
    assert not broken, broken
