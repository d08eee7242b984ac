"""Options of `munjang predict` and `munjang embed` for many files, their progress and their end."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.outcome import resumable
from munjang.cli.output import note
from munjang.cli.progress import LINE_SECONDS, notes
from munjang.errors import ConfigError
from munjang.reporting import Report, pluralize
from munjang.units import format_duration

if TYPE_CHECKING:
    from munjang.many_files.ledger import FilesDone, Progress

Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="With --out FOLDER, the number of processes, of one thread each.  [default: cores]",
    ),
]
FilesCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="With --out FOLDER, work on a Ray cluster whose nodes share all files: HOST:PORT of "
        "its head, or auto.",
    ),
]
RowsPerPart = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="With --out FOLDER, the number of rows of a file per part, rounded up to a multiple "
        "of 8192.  [default: 16384]",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume what is in the folder of --out.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what is in the folder of --out.")
]


def refuse_without_out(**given: object) -> None:
    """Refuse options that are for a folder of parts, if there is none.

    Raises:
        ConfigError: naming the first option that was given.
    """
    for name, value in given.items():
        if value not in (None, False):
            option = name.replace("_", "-")
            raise ConfigError(f"--{option}: is for many files; name a folder with --out FOLDER")


def require_one(sources: Sequence[str]) -> str:
    """Return the one source of a command that writes no folder.

    Raises:
        ConfigError: there are several.
    """
    if len(sources) > 1:
        raise ConfigError(
            f"expected one --input, got {len(sources)}; several are written to a folder: --out "
            "FOLDER"
        )
    return sources[0]


class FilesWatcher:
    """Progress of many files: a bar on a terminal, a line every ten seconds in a pipe."""

    def __init__(self, *, quiet: bool) -> None:
        self._bar = None
        if not quiet and sys.stderr.isatty():
            from munjang.progress.terminal import TerminalBar

            self._bar = TerminalBar()
        self._quiet = quiet
        self._last: float | None = None

    @property
    def report(self) -> Report:
        """Function that takes notes."""
        return notes(quiet=self._quiet) if self._bar is None else self._bar.print

    def show(self, progress: "Progress") -> None:
        """Show how far the work is."""
        rate = progress.rows / max(progress.seconds, 1e-9)
        parts = {
            "text": f"{pluralize(progress.parts, 'part')}, {pluralize(progress.rows, 'row')}",
            "rate": f"{rate:,.0f} rows/s",
        }
        if self._bar is not None:
            self._bar.draw(progress.files, progress.all_files, parts)
            return
        now = time.perf_counter()
        self._last = now if self._last is None else self._last
        if not self._quiet and now - self._last >= LINE_SECONDS:
            self._last = now
            files = f"{progress.files:,} of {pluralize(progress.all_files, 'file')}"
            note("  ".join((f"{files} done", *parts.values())))

    def close(self) -> None:
        """Stop drawing."""
        if self._bar is not None:
            self._bar.close()


@contextmanager
def watching_files(out: str, *, quiet: bool) -> Iterator[FilesWatcher]:
    """Yield the display of work whose results are written to `out`, and can be resumed."""
    watcher = FilesWatcher(quiet=quiet)
    try:
        with resumable(lambda: f"the same command with --resume continues in {out}"):
            yield watcher
    finally:
        watcher.close()


def show_done(done: "FilesDone", *, quiet: bool) -> None:
    """Say what was written."""
    if quiet:
        return
    for reason, count in done.skipped.items():
        note(f"skipped {pluralize(count, 'row')}: {reason}; see bad-rows.jsonl beside the parts")
    if done.truncated:
        texts = "1 text was" if done.truncated == 1 else f"{done.truncated:,} texts were"
        note(f"{texts} longer than the model reads: only the beginning was used")
    rate = done.new_rows / max(done.seconds, 1e-9)
    speed = f", {rate:,.0f} rows/s" if done.new_rows else ""
    note(
        f"{pluralize(done.rows, 'row')} of {pluralize(done.files, 'file')} in "
        f"{pluralize(done.parts, 'part')} in {done.out}: {format_duration(done.seconds)}{speed}"
    )
