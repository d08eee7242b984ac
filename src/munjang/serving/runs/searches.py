"""Searches for settings: the trials so far, and the best of them."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from munjang.folder.lock import is_locked
from munjang.serving.runs.files import JsonFile, modified_at, plain_text
from munjang.serving.runs.run import Details, Facts
from munjang.serving.runs.shapes import Best, Count, Progress, SearchTable, Trial
from munjang.tuning.folder import PLAN, RESULTS

_MOST_TRIALS = 500
_MOST_SETTINGS = 50
# Larger whole numbers are not exact in JavaScript.
_LARGEST = 2**53


class _Results(Struct):
    """The part of `tune.json` that is shown."""

    metric: str
    task: str = ""
    wanted: Count | None = None
    is_finished: bool = True  # the first versions did not tell
    best: Trial | None = None
    defaults: dict[str, Any] = {}
    importance: dict[str, float] = {}
    trials: list[Trial] = []


class SearchReader:
    """Reader of the folder of a search.

    Args:
        folder: the folder.
        root: folder that must hold all that is read, its links followed.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._results = JsonFile(folder / RESULTS, root, _Results)

    @property
    def _has_results(self) -> bool:
        return modified_at(self._folder / RESULTS) > 0

    def facts(self) -> Facts:
        """Return what the list tells."""
        is_running = is_locked(self._folder)
        if not self._has_results:  # before the first trial has ended
            state = "running" if is_running else "stopped"
            return Facts(state, modified_at(self._folder / PLAN), progress=Progress("trial", 0))
        results: _Results = self._results.read()
        best = results.best
        ended = "finished" if results.is_finished else "stopped"
        return Facts(
            "running" if is_running else ended,
            modified_at(self._folder / RESULTS),
            plain_text(results.task),
            progress=Progress("trial", len(results.trials), results.wanted),
            best=None
            if best is None or best.value is None
            else Best(plain_text(results.metric), best.value, str(best.number)),
        )

    def details(self) -> Details:
        """Return the trials."""
        if not self._has_results:
            return Details(search=SearchTable(""))
        results: _Results = self._results.read()
        table = SearchTable(
            plain_text(results.metric),
            results.best and _shorten(results.best),
            _plain(results.defaults),
            dict(islice(results.importance.items(), _MOST_SETTINGS)),
            [_shorten(trial) for trial in results.trials[-_MOST_TRIALS:]],
            max(0, len(results.trials) - _MOST_TRIALS),
        )
        return Details(search=table)


def _shorten(trial: Trial) -> Trial:
    """Return a trial with texts of bounded length."""
    settings, note = _plain(trial.settings), plain_text(trial.note)
    return structs.replace(trial, ended=plain_text(trial.ended), settings=settings, note=note)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings whose values are numbers and texts."""
    return {
        plain_text(key, 100): _plain_value(value)
        for key, value in islice(settings.items(), _MOST_SETTINGS)
    }


def _plain_value(value: Any) -> Any:
    is_small = isinstance(value, int) and abs(value) <= _LARGEST
    if is_small or value is None or isinstance(value, float):
        return value
    return plain_text(value if isinstance(value, str) else json.dumps(value), 100)
