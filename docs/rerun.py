"""Run what the pages show, and put the real output in its place.

    python docs/rerun.py README.md docs/mean.md

Blocks marked `console` hold commands behind `$ `, blocks marked `pycon` hold Python behind `>>> `.
The blocks of one page run in order in one folder, in which `data` is the folder MUNJANG_DATA;
blocks marked otherwise are left alone. The home folder is written as `~`.
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
    """Each command of a console block and what it printed, a blank line between two commands."""
    found = re.findall(r"^\$ (?:.*\\\n)*.*", block, re.MULTILINE)
    output = ""
    for shown in found:
        print(shown, file=sys.stderr, flush=True)
        done = subprocess.run(  # noqa: S602  (the commands are those of our own pages)
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
    """Ours, with the commands of this Python, and the corpora where the pages say they lie."""
    found = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return {**found, "MUNJANG_DATA": "data"} if CORPORA else found


def examples(block: str, names: dict[str, Any]) -> Iterator[str]:
    """Each statement of a Python session and what it printed."""
    for part in doctest.DocTestParser().parse(block):
        if isinstance(part, str):
            yield part
            continue
        first, *more = part.source.rstrip("\n").split("\n")
        print(f">>> {part.source}", end="", file=sys.stderr, flush=True)
        shown = "".join([f">>> {first}\n", *(f"... {line}\n" for line in more)])
        yield shown + tidy(outcome(part.source, names))


def outcome(source: str, names: dict[str, Any]) -> str:
    """What a statement prints; the last line of what it raises."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(source, "<page>", "single"), names)  # noqa: S102  (of our own pages)
        except Exception as error:
            output.writelines(traceback.format_exception_only(error))
    return output.getvalue()


def tidy(output: str) -> str:
    """`output` without white space at the ends of lines, blank ends, or two blank lines running."""
    text = "\n".join(line.rstrip() for line in output.split("\n")).strip("\n")
    text = re.sub(r"\n{3,}", "\n\n", text)
    return f"{text}\n" if text else ""


def main() -> None:
    """Rerun the pages that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path)
    for page in parser.parse_args().pages:
        rerun(page.resolve())


if __name__ == "__main__":
    main()
