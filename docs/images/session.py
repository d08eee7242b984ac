"""Draw a real session on a terminal: run commands, keep what a terminal would show, write SVG.

    python docs/images/session.py FOLDER OUT.svg 'munjang train ...' 'munjang predict ...'

The commands run in FOLDER on a terminal of 96 columns. The picture asks for no font by name and
fetches none, so that Hangul is drawn with whatever the reader has.
"""

import fcntl
import html
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import rich._export_format
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

COLUMNS = 96
HANGUL = r"[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]+"
LENGTH = re.compile(r'textLength="([\d.]+)"([^>]*)>([^<]+)</text>')
CONTROL = re.compile(r"\x1b\[\??(\d*)(?:;\d+)*([A-Za-z])|(\r|\n)")


def on_terminal(command: str, folder: Path) -> str:
    """Return all that a command writes to a terminal, control sequences and all."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(  # noqa: S602  (the commands are given by whoever draws)
        command,
        shell=True,
        executable="/bin/bash",
        cwd=folder,
        stdout=theirs,
        stderr=theirs,
        env={
            **os.environ,
            "TERM": "xterm-256color",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # how a terminal says that the other end is closed
            break
        if not read:
            break
        written += read
    process.wait()
    return written.decode()


def settled(written: str) -> list[str]:
    """Return the lines that stand on the terminal at the end; colors stay in them.

    Knows what Rich's progress bar needs: return, erase the line, go up.
    """
    lines, row = [""], 0
    at = 0
    for found in CONTROL.finditer(written):
        lines[row] += written[at : found.start()]
        at = found.end()
        count, action, feed = found.groups()
        if feed == "\n":
            row += 1
            lines += [""] if row == len(lines) else []
        elif action == "A":
            row = max(row - int(count or 1), 0)
        elif action == "K":
            lines[row] = ""
        elif action == "m":
            lines[row] += found[0]
    lines[row] += written[at:]
    return lines


def draw(sessions: list[tuple[str, list[str]]], out: Path) -> None:
    """Write the commands and what they showed as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for place, (command, lines) in enumerate(sessions):
        if place:
            console.print()
        shown = Text.assemble(("$ ", "bold green"), (command, "bold"), "\n")
        shown.append_text(Text.from_ansi("\n".join(lines).rstrip()))
        # a run of its own in the SVG: what stands beside Hangul keeps its place in any font
        shown.highlight_regex(HANGUL, "bright_white")
        console.print(shown)
    drawn = console.export_svg(title="munjang", code_format=without_fonts())
    out.write_text(LENGTH.sub(widened, drawn), "utf-8")


def widened(run: re.Match[str]) -> str:
    """Return a run of text as long as its cells.

    Rich counts characters, and Hangul takes two cells.
    """
    text = html.unescape(run[3])
    length = float(run[1]) / len(text) * cell_len(text)
    return f'textLength="{length:g}"{run[2]}>{run[3]}</text>'


def without_fonts() -> str:
    """Rich's SVG without the fonts that it would fetch."""
    template = rich._export_format.CONSOLE_SVG_FORMAT
    template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", template, flags=re.DOTALL)
    template = re.sub(r"font-family: Fira Code, monospace", "font-family: monospace", template)
    return re.sub(r"font-family: arial", "font-family: sans-serif", template)


def main() -> None:
    """Run the commands, draw them."""
    folder, out, *commands = sys.argv[1:]
    sessions = [(command, settled(on_terminal(command, Path(folder)))) for command in commands]
    draw(sessions, Path(out))


if __name__ == "__main__":
    main()
