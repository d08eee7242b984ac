"""Kinds of runs: by which files one is known, and who reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from munjang.serving.runs.shapes import Best, ComparisonTable, Curve, Progress, SearchTable


@dataclass(frozen=True)
class Facts:
    """Entry of a run in the list; see `munjang.serving.runs.shapes.RunSummary`.

    Attributes:
        state: running, stopped or finished.
        updated: when it last changed, in seconds since 1970.
        task: name of the task; "" if not known.
        architecture: name of the architecture, likewise.
        progress: how far it is.
        best: the best score so far.
    """

    state: str
    updated: float
    task: str = ""
    architecture: str = ""
    progress: Progress | None = None
    best: Best | None = None


@dataclass(frozen=True)
class Details:
    """Content of the page of a run.

    Attributes:
        curves: values over steps, or over seconds for a comparison.
        rate: units per second at last.
        unit: their name, such as tokens.
        comparison: the table of a comparison.
        search: the table of a search.
    """

    curves: list[Curve] = field(default_factory=list)
    rate: float | None = None
    unit: str = ""
    comparison: ComparisonTable | None = None
    search: SearchTable | None = None


class RunReader(Protocol):
    """Reader of one run, which keeps what it has read for the next time.

    Both methods raise `MunjangError` for a run that cannot be read.
    """

    def facts(self) -> Facts:
        """Return what the list tells."""

    def details(self) -> Details:
        """Return what the page of the run shows."""


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        name: its name.
        marks: files, of which one at least is in the folder of such a run.
        open: makes the reader of a folder; `root`, its links followed, must hold all that is read.
        pages: names of its pages, by file.
        has_model: whether the folder of such a run is one of a model that can be served.
    """

    name: str
    marks: tuple[str, ...]
    open: Callable[[Path, Path], RunReader]
    pages: Mapping[str, str]
    has_model: Callable[[Path], bool] = lambda folder: False
