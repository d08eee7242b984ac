"""The course of a training, finished or not, from the log in its folder."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.errors import FolderError
from munjang.folder.layout import CONFIG
from munjang.folder.lock import refuse_locked
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.replacement import FOLDER as REPLACEMENT
from munjang.parsing import UnreadableError, parse_json, parse_yaml
from munjang.tasks.metric_table import METRICS
from munjang.training.logs import FILE as LOG

# A log of a year has fewer records; of more, every n-th is drawn.
_MOST_BYTES, _MOST_POINTS = 512_000_000, 500


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
        best: best value of that metric on the validation part, and its step; None before the first
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


def has_log(folder: str | Path) -> bool:
    """Return whether a folder has the log of a training."""
    return _log_folder(Path(folder)) is not None


def read_progress(folder: str | Path) -> RunProgress:
    """Read the course of a training, which may be running.

    Args:
        folder: model folder.

    Raises:
        FolderError: there is no log of a training in it, or it is no such log.
    """
    path = Path(folder)
    inside = _log_folder(path)
    if inside is None:
        raise FolderError(
            f"{path}: expected the folder of a training with the file {LOG}; give the --out of "
            "munjang train"
        )
    records = list(_read_records(inside / LOG))
    recipe = _read_recipe(inside / CONFIG)
    curves = tuple(_collect(records))
    metric = _selection_metric(recipe, curves)
    return RunProgress(
        name=path.resolve().name,
        state=_state(path, inside),
        task=str(recipe.get("task", "")),
        architecture=str(_section(recipe, "model").get("name", "")),
        step=max((int(record["step"]) for record in records), default=0),
        metric=metric,
        best=_best(metric, curves),
        per_second=_last_rate(records),
        curves=curves,
    )


def _log_folder(folder: Path) -> Path | None:
    """Return the folder of the log; a training that replaces a model has it in one inside."""
    for inside in (folder / REPLACEMENT, folder):
        if (inside / LOG).is_file():
            return inside
    return None


def _state(folder: Path, inside: Path) -> str:
    try:
        refuse_locked(folder)
    except FolderError:
        return "running"
    return "finished" if (inside / MANIFEST).exists() else "stopped"


def _read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of the log; the last line of a run that was killed may be half a line."""
    if path.stat().st_size > _MOST_BYTES:
        raise FolderError(f"{path}: {path.stat().st_size:,} bytes are too many for a log")
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                record = parse_json(line.encode())
            except UnreadableError:
                continue
            if isinstance(record, dict) and isinstance(record.get("step"), int):
                yield record


def _read_recipe(path: Path) -> Mapping[str, Any]:
    try:
        recipe = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, UnreadableError):
        return {}
    return recipe if isinstance(recipe, dict) else {}


def _section(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = recipe.get(name)
    return section if isinstance(section, dict) else {}


def _collect(records: list[dict[str, Any]]) -> Iterator[ProgressCurve]:
    points: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for record in records:
        part = record.get("part")
        if part not in ("train", "valid"):
            continue
        for name, value in record.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if name == "step" or name.endswith("_per_second") or not is_number:
                continue
            if math.isfinite(value):
                points.setdefault((part, name), []).append((record["step"], float(value)))
    for (part, name), found in points.items():
        thinned = found[:: max(1, len(found) // _MOST_POINTS)]
        steps, values = zip(*thinned, strict=True)
        yield ProgressCurve(name, part, steps, values)


def _selection_metric(recipe: Mapping[str, Any], curves: tuple[ProgressCurve, ...]) -> str:
    """Return the metric of the recipe, or the first that there is a curve of."""
    known = [curve.name for curve in curves if curve.part == "valid" and curve.name in METRICS]
    named = str(_section(recipe, "training").get("metric"))
    return named if named in known else next(iter(known), "")


def _best(metric: str, curves: tuple[ProgressCurve, ...]) -> tuple[int, float] | None:
    for curve in curves:
        if curve.part == "valid" and curve.name == metric:
            sign = 1 if METRICS[metric].larger_is_better else -1
            place = max(range(len(curve.values)), key=lambda n: sign * curve.values[n])
            return curve.steps[place], curve.values[place]
    return None


def _last_rate(records: list[dict[str, Any]]) -> tuple[str, float] | None:
    for record in reversed(records):
        for name, value in record.items():
            if name.endswith("_per_second") and isinstance(value, int | float):
                return name.removesuffix("_per_second"), float(value)
    return None
