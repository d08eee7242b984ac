"""A pseudo-terminal, and what a person would see on it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from rich.cells import cell_len

from tests.system.commands import MUNJANG, PATIENCE, environment

# Colours, moves of the cursor, and what hides it.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(*arguments: object, columns: int = 120) -> tuple[int, str]:
    """Exit code and everything that a command writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [*MUNJANG, *map(str, arguments)]
    surroundings = {**environment(), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=surroundings, close_fds=True
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side has closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    return process.wait(PATIENCE), seen.decode(errors="replace")


def lines_of(seen: str) -> list[str]:
    """The lines that were written, without colours; also those that were written over."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", _CONTROL.sub("", seen))]


def assert_fits(seen: str, columns: int) -> None:
    """No line is wider than the terminal, which would break it anywhere."""
    wide = [line for line in lines_of(seen) if cell_len(line) > columns]
    assert not wide, "\n".join(wide)


def assert_words_whole(seen: str, piped: str) -> None:
    """Every name and figure of the terminal stands, whole, in what a pipe gets."""
    drawn = {"--wide", "also", "shows:", "shows", "the", "whole", "matrix", "\\"}
    broken = [
        word
        for word in " ".join(lines_of(seen)).split()
        if word not in drawn and not set(word) <= set("─━╸╺█") and word.rstrip(",") not in piped
    ]
    words = set(piped.split()) | {word.rstrip(",") for word in piped.split()}
    broken += [
        word
        for word in " ".join(lines_of(seen)).split()
        if word not in drawn | words and word.rstrip(",") not in words and "─" not in word
    ]
    assert not broken, broken
