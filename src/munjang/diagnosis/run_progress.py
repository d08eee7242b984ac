"""The course of a training, finished or not, from the log in its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.diagnosis.run_log import RunLog
from munjang.errors import FolderError
from munjang.folder.layout import CONFIG
from munjang.folder.lock import is_locked
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.replacement import FOLDER as REPLACEMENT
from munjang.parsing import UnreadableError, parse_yaml
from munjang.tasks.metric_table import METRICS
from munjang.training.logs import FILE as LOG


@dataclass(frozen=True)
class ProgressCurve:
    """One value over the steps.

    Attributes:
        name: name of the value, such as loss or accuracy.
        part: train or valid.
        steps: numbers of the steps.
        values: one per step.
    """

    name: str
    part: str
    steps: tuple[int, ...]
    values: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "part": self.part,
            "steps": list(self.steps),
            "values": list(self.values),
        }


@dataclass(frozen=True)
class RunProgress:
    """The course of a training.

    Attributes:
        name: name of its folder.
        state: running, stopped or finished.
        task: name of the task; "" if it is not known yet.
        architecture: name of the architecture, likewise.
        step: the last step in the log.
        metric: name of the metric that selects the best checkpoint; "" if none is known.
        best: step and best value of that metric on the validation part; None before the first
            validation run.
        per_second: units, such as tokens, per second at last, by their name.
        curves: the losses and the metrics over the steps.
    """

    name: str
    state: str
    task: str
    architecture: str
    step: int
    metric: str
    best: tuple[int, float] | None
    per_second: tuple[str, float] | None
    curves: tuple[ProgressCurve, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "curves": [curve.to_json() for curve in self.curves]}


class ProgressReader:
    """Reader of the course of a training, which reads only what was added since the last time.

    Args:
        folder: model folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._log: RunLog | None = None
        self._recipe: tuple[object, Mapping[str, Any]] = (None, {})

    def read(self) -> RunProgress:
        """Return the course of the training so far.

        Raises:
            FolderError: there is no log of a training in the folder, or it is no such log.
        """
        inside = find_log_folder(self.folder)
        if inside is None:
            raise FolderError(
                f"{self.folder}: expected the folder of a training with the file {LOG}; give the "
                "--out of munjang train"
            )
        if self._log is None or self._log.path != inside / LOG:
            self._log = RunLog(inside / LOG)
        try:
            self._log.read()
        except OSError as error:
            raise FolderError(f"{inside / LOG}: cannot be read: {error.strerror}") from None
        recipe = self._read_recipe(inside / CONFIG)
        metric = _selection_metric(recipe, self._log)
        return RunProgress(
            name=self.folder.resolve().name,
            state=_state(self.folder, inside),
            task=str(recipe.get("task", "")),
            architecture=str(_section(recipe, "model").get("name", "")),
            step=self._log.step,
            metric=metric,
            best=_best(metric, self._log),
            per_second=self._log.rate,
            curves=tuple(_curves(self._log)),
        )

    def _read_recipe(self, path: Path) -> Mapping[str, Any]:
        """Return the recipe; it is read again if the file has changed."""
        try:
            status = path.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if stamp != self._recipe[0]:
                self._recipe = (stamp, read_recipe(path))
        except OSError:
            return {}
        return self._recipe[1]


def has_log(folder: str | Path) -> bool:
    """Return whether a folder has the log of a training."""
    return find_log_folder(Path(folder)) is not None


def read_progress(folder: str | Path) -> RunProgress:
    """Read the course of a training, which may be running.

    Args:
        folder: model folder.

    Raises:
        FolderError: there is no log of a training in it, or it is no such log.
    """
    return ProgressReader(folder).read()


def find_log_folder(folder: Path) -> Path | None:
    """Return the folder of the log; a training that replaces a model has it in one inside."""
    for inside in (folder / REPLACEMENT, folder):
        if (inside / LOG).is_file():
            return inside
    return None


def read_recipe(path: Path) -> Mapping[str, Any]:
    """Return the values of a recipe, unchecked; none if the file is not there or is damaged."""
    try:
        recipe = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, UnreadableError):
        return {}
    return recipe if isinstance(recipe, dict) else {}


def _state(folder: Path, inside: Path) -> str:
    if is_locked(folder):
        return "running"
    return "finished" if (inside / MANIFEST).exists() else "stopped"


def _section(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = recipe.get(name)
    return section if isinstance(section, dict) else {}


def _curves(log: RunLog) -> list[ProgressCurve]:
    curves = []
    for (part, name), points in log.curves.items():
        steps, values = zip(*points.thinned(), strict=True)
        curves.append(ProgressCurve(name, part, steps, values))
    return curves


def _selection_metric(recipe: Mapping[str, Any], log: RunLog) -> str:
    """Return the metric of the recipe, or the first that there is a curve of."""
    known = [name for part, name in log.curves if part == "valid" and name in METRICS]
    named = str(_section(recipe, "training").get("metric"))
    return named if named in known else next(iter(known), "")


def _best(metric: str, log: RunLog) -> tuple[int, float] | None:
    points = log.curves.get(("valid", metric))
    if points is None:
        return None
    return points.highest if METRICS[metric].larger_is_better else points.lowest
