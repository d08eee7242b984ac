"""A folder whose subfolders are runs."""

import logging
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from munjang.errors import MunjangError
from munjang.serving.request_errors import RequestError, not_found
from munjang.serving.runs.files import is_inside, modified_at, plain_text, read_inside
from munjang.serving.runs.kinds import KINDS
from munjang.serving.runs.run import Kind, RunReader
from munjang.serving.runs.shapes import RunResponse, RunsResponse, RunSummary

_log = logging.getLogger("munjang.serving")

_MOST_RUNS = 200
_MOST_ENTRIES = 10_000
# Kind of a folder that is a link out of the folder of runs.
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class _Found:
    """A subfolder that is a run; `kind` is None if it is a link that leads out."""

    name: str
    path: Path
    kind: Kind | None
    updated: float

    @property
    def has_model(self) -> bool:
        """True if a finished model is there, which can be served."""
        return self.kind is not None and self.kind.has_model(self.path)


class RunsFolder:
    """A folder of runs, read as they are now. Its methods are not safe for threads.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = Path(os.path.realpath(path))
        self._readers: dict[str, tuple[Kind, RunReader]] = {}

    @property
    def name(self) -> str:
        """Name of the folder, for people."""
        return plain_text(self._root.name or self._root)

    def list_runs(self) -> RunsResponse:
        """Return the runs, the newest first; of very many the oldest are left out."""
        found = sorted(self._find_all(), key=lambda each: (-each.updated, each.name))
        shown = found[:_MOST_RUNS]
        kept = {each.name for each in shown}
        self._readers = {name: pair for name, pair in self._readers.items() if name in kept}
        runs = [self._summarize(each) for each in shown]
        return RunsResponse(self.name, runs, len(found) - len(shown))

    def show(self, name: str) -> RunResponse:
        """Return a run, and what there is to show of it.

        Raises:
            RequestError: there is no such run.
        """
        found = self._find(name)
        summary = self._summarize(found)
        if found.kind is None or summary.state == "damaged":
            return RunResponse(summary)
        try:
            details = self._open(found, found.kind).details()
        except Exception as error:
            summary.problem = _explain(error, name)
            summary.state, summary.loadable = "damaged", False
            return RunResponse(summary)
        return RunResponse(
            summary,
            [page for page, file in found.kind.pages.items() if (found.path / file).is_file()],
            details.rate,
            details.unit,
            details.curves,
            details.comparison,
            details.search,
        )

    def read_page(self, name: str, page: str) -> bytes:
        """Return a page of a run, as it was written.

        Raises:
            RequestError: there is no such run or page, or it cannot be read.
        """
        found = self._find(name)
        file = found.kind.pages.get(page) if found.kind else None
        if file is None or not (found.path / file).is_file():
            raise not_found(f"no such page of {plain_text(name, 100)!r}: {page[:100]!r}")
        try:
            return read_inside(found.path / file, self._root)
        except MunjangError as error:
            raise RequestError(409, "not_readable", str(error)) from None

    def model_folder(self, name: str) -> Path | None:
        """Return the folder of a finished model; None if there is none of that name."""
        try:
            found = self._find(name)
        except RequestError:
            return None
        return found.path if found.has_model else None

    def is_run(self, name: str, folder: Path) -> bool:
        """Return whether a folder is that of the run of this name."""
        return os.path.realpath(folder) == os.path.realpath(self._root / name)

    def model_names(self) -> list[str]:
        """Return the names of all finished models, sorted."""
        return sorted(each.name for each in self._find_all() if each.has_model)

    def _find_all(self) -> list[_Found]:
        try:
            with os.scandir(self._root) as entries:
                names = [entry.name for entry in islice(entries, _MOST_ENTRIES)]
        except OSError as error:
            _log.error("%s: cannot be read: %s", self.path, error.strerror)
            return []
        found = (self._look_at(name) for name in names)
        return [each for each in found if each is not None]

    def _find(self, name: str) -> _Found:
        """Return a run by its name, which is the name of a subfolder and not a path."""
        is_plain = name not in ("", ".", "..") and not any(sign in name for sign in "/\\\0")
        found = self._look_at(name) if is_plain else None
        if found is None:
            raise not_found(f"no run {plain_text(name, 100)!r} in this folder; see /runs")
        return found

    def _look_at(self, name: str) -> _Found | None:
        """Return the subfolder of a name; None if it is no run."""
        path = self.path / name
        try:
            if not path.is_dir():
                return None
            if not is_inside(path, self._root):
                return _Found(name, path, None, 0.0)
            kind = kind_of(path)
        except (OSError, ValueError):
            return None
        if kind is None:
            return None
        return _Found(name, path, kind, max(modified_at(path / mark) for mark in kind.marks))

    def _open(self, found: _Found, kind: Kind) -> RunReader:
        """Return the reader of a run, which is kept for the next time."""
        known, reader = self._readers.get(found.name, (None, None))
        if reader is None or known is not kind:
            reader = kind.open(found.path, self._root)
            self._readers[found.name] = (kind, reader)
        return reader

    def _summarize(self, found: _Found) -> RunSummary:
        name = plain_text(found.name)
        if found.kind is None:
            problem = "a link that leads out of the folder is not followed"
            return RunSummary(name, _UNKNOWN, problem=problem)
        summary = RunSummary(name, found.kind.name, updated=found.updated)
        if name != found.name:
            summary.problem = "the name of this folder is not in UTF-8; rename it"
            return summary
        try:
            facts = self._open(found, found.kind).facts()
        except Exception as error:
            summary.problem = _explain(error, name)
            return summary
        summary.state = facts.state
        summary.loadable = facts.state == "finished" and found.has_model
        summary.updated = facts.updated
        summary.task = facts.task
        summary.architecture = facts.architecture
        summary.progress = facts.progress
        summary.best = facts.best
        return summary


def kind_of(folder: Path) -> Kind | None:
    """Return what kind of run a folder holds; None if it holds none."""
    return next(
        (kind for kind in KINDS if any((folder / mark).is_file() for mark in kind.marks)), None
    )


def _explain(error: Exception, name: str) -> str:
    """Return why a run cannot be read: one that is damaged must not hide the others."""
    if isinstance(error, MunjangError):
        return plain_text(error)
    _log.error("run %r cannot be read: %s: %s", name, type(error).__name__, error)
    return "a file of this run is damaged; the log of the server says which"
