"""Trainings, running or not, and the models that they saved."""

from pathlib import Path

from munjang.diagnosis.run_progress import (
    ProgressCurve,
    ProgressReader,
    RunProgress,
    find_log_folder,
    read_recipe,
)
from munjang.errors import FolderError
from munjang.folder.layout import CONFIG
from munjang.folder.lock import is_locked
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.seal import resolve_model_folder
from munjang.serving.runs.files import is_inside, modified_at, plain_text
from munjang.serving.runs.run import Details, Facts
from munjang.serving.runs.shapes import Best, Curve, Progress
from munjang.training.logs import FILE as LOG


class TrainingReader:
    """Reader of a model folder.

    Args:
        folder: the folder.
        root: folder that must hold all that is read, its links followed.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        self._progress = ProgressReader(folder)

    def facts(self) -> Facts:
        """Return what the list tells."""
        inside = find_log_folder(self._folder)
        if inside is None:
            return self._facts_without_log()
        progress = self._read(inside)
        return Facts(
            progress.state,
            max(modified_at(inside / LOG), modified_at(inside / MANIFEST)),
            plain_text(progress.task),
            plain_text(progress.architecture),
            Progress("step", progress.step),
            _best(progress),
        )

    def details(self) -> Details:
        """Return the curves."""
        inside = find_log_folder(self._folder)
        if inside is None:
            return Details()
        progress = self._read(inside)
        unit, rate = progress.per_second or ("", None)
        return Details([as_curve(curve) for curve in progress.curves], rate, unit)

    def _read(self, inside: Path) -> RunProgress:
        for name in (LOG, CONFIG):
            if not is_inside(inside / name, self._root):
                raise FolderError(f"{name}: a link that leads out of the folder is not followed")
        return self._progress.read()

    def _facts_without_log(self) -> Facts:
        """Return what is known of a model that was not trained here, or of a damaged folder."""
        inside = resolve_model_folder(self._folder)
        if not (inside / MANIFEST).is_file():
            raise FolderError("neither a model nor the log of a training is here")
        recipe = read_recipe(inside / CONFIG) if is_inside(inside / CONFIG, self._root) else {}
        model = recipe.get("model")
        return Facts(
            "running" if is_locked(self._folder) else "finished",
            modified_at(inside / MANIFEST),
            plain_text(recipe.get("task", "")),
            plain_text(model.get("name", "")) if isinstance(model, dict) else "",
        )


def as_curve(curve: ProgressCurve) -> Curve:
    """Return a curve as a response has it."""
    return Curve(curve.name, curve.part, list(map(float, curve.steps)), list(curve.values))


def _best(progress: RunProgress) -> Best | None:
    if progress.best is None:
        return None
    step, value = progress.best
    return Best(progress.metric, value, str(step))
