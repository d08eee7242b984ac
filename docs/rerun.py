"""Run the commands of the pages and replace their output.

    python docs/rerun.py README.md docs/mean.md

Blocks marked `console` have commands after `$ `, blocks marked `pycon` Python after `>>> `. The
blocks of a page run in order in one new folder, in which `data` is the folder MUNJANG_DATA. Other
blocks are not changed. The home folder is written as `~`.
"""

import argparse
import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CORPORA = os.environ.get("MUNJANG_DATA")
BLOCK = re.compile(r"^```(console|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def rerun(page: Path) -> None:
    """Replace the output of every block of `page`."""
    names: dict[str, Any] = {}

    def fresh(block: re.Match[str]) -> str:
        parts = commands(block[2]) if block[1] == "console" else examples(block[2], names)
        return f"```{block[1]}\n" + "".join(parts) + "```"

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        if CORPORA:
            Path("data").symlink_to(Path(CORPORA).resolve())
        page.write_text(BLOCK.sub(fresh, page.read_text(encoding="utf-8")), encoding="utf-8")


def commands(block: str) -> Iterator[str]:
    """Yield each command of a console block with its output, separated by blank lines."""
    shown_commands = re.findall(r"^\$ (?:.*\\\n)*.*", block, re.MULTILINE)
    output = ""
    for shown in shown_commands:
        print(shown, file=sys.stderr, flush=True)
        done = subprocess.run(  # noqa: S602  (commands of our own pages)
            shown.removeprefix("$ "),
            shell=True,
            executable="/bin/bash",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
        )
        gap = "\n" if output else ""
        output = tidy(done.stdout.replace(str(Path.home()), "~"))
        yield f"{gap}{shown}\n{output}"


def environment() -> dict[str, str]:
    """Return the environment of a command: programs of this Python, corpora in `data`."""
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return {**variables, "MUNJANG_DATA": "data"} if CORPORA else variables


def examples(block: str, names: dict[str, Any]) -> Iterator[str]:
    """Yield each statement of a Python session with its output."""
    for part in doctest.DocTestParser().parse(block):
        if isinstance(part, str):
            yield part
            continue
        first, *more = part.source.rstrip("\n").split("\n")
        print(f">>> {part.source}", end="", file=sys.stderr, flush=True)
        shown = "".join([f">>> {first}\n", *(f"... {line}\n" for line in more)])
        yield shown + tidy(run_statement(part.source, names))


def run_statement(source: str, names: dict[str, Any]) -> str:
    """Run a statement; return what it prints, or the last line of its error."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(source, "<page>", "single"), names)  # noqa: S102  (of our own pages)
        except Exception as error:
            output.writelines(traceback.format_exception_only(error))
    return output.getvalue()


def tidy(output: str) -> str:
    """Strip the ends of lines and of the output, and merge runs of blank lines."""
    text = "\n".join(line.rstrip() for line in output.split("\n")).strip("\n")
    text = re.sub(r"\n{3,}", "\n\n", text)
    return f"{text}\n" if text else ""


def main() -> None:
    """Rerun the named pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path)
    for page in parser.parse_args().pages:
        rerun(page.resolve())


if __name__ == "__main__":
    main()
