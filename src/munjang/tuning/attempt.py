"""One trial: train with what it chose, look at it on the way, and tell how it ended."""

import gc
import time
from dataclasses import dataclass, replace
from typing import cast

from munjang.api import fit
from munjang.errors import MunjangError
from munjang.folder import TextModel
from munjang.preparation import Prepared
from munjang.recipe import Recipe
from munjang.training.loop import Step
from munjang.tuning.results import Ended, TrialRow
from munjang.tuning.space import changed, is_finite
from munjang.tuning.study import Trial


class _Behind(Exception):  # noqa: N818 (no error: the trial is given up)
    """The trial fell behind the median of the others."""


@dataclass
class _Watch:
    """Follows the steps of a trial, and gives it up when it falls behind."""

    trial: Trial
    metric: str
    began: float
    last: Step | None = None
    value: float | None = None
    cut: str = ""

    def __call__(self, step: Step) -> None:
        self.last = step
        if step.scores is None:
            return
        value = step.scores.figures[self.metric]
        self.value = value if is_finite(value) else self.value
        behind = self.trial.report(value, step.number / step.total)
        if behind and step.number < step.total:  # at the last step all is paid for
            raise _Behind

    def report(self, line: str) -> None:
        """Keep what the training says of having been cut short."""
        self.cut = line if line.startswith("training diverged") else self.cut

    def row(self, ended: Ended, note: str, value: float | None = None) -> TrialRow:
        return TrialRow(
            self.trial.number,
            ended,
            value,
            self.trial.settings,
            passes=0 if self.last is None else self.last.epoch,
            steps=0 if self.last is None else self.last.number,
            seconds=time.perf_counter() - self.began,
            note=note,
        )


def attempt(
    prepared: Prepared, trial: Trial, seconds: float | None
) -> tuple[TrialRow, TextModel | None]:
    """Train as a trial chose; a model comes of it when it came to its end.

    Args:
        prepared: what all trials share.
        trial: what is tried.
        seconds: the most time for its steps; None for no limit.

    Raises:
        Interrupted: Ctrl-C came.
    """
    watch = _Watch(trial, prepared.recipe.training.metric, time.perf_counter())
    try:
        recipe = changed(prepared.recipe, trial.settings)
        return _fitted(replace(prepared, recipe=_limited(recipe, seconds)), recipe, watch)
    except _Behind:
        return watch.row("pruned", "behind the median", watch.value), None
    except (MunjangError, MemoryError, RuntimeError) as error:
        reason = _reason(error)
    gc.collect()  # what was too large for the memory may hang in the error's frames
    return watch.row("failed", reason), None


def _limited(recipe: Recipe, seconds: float | None) -> Recipe:
    own = recipe.training.max_seconds
    least = min((limit for limit in (own, seconds) if limit is not None), default=None)
    training = recipe.training.model_copy(update={"max_seconds": least})
    return recipe.model_copy(update={"training": training})


def _fitted(prepared: Prepared, recipe: Recipe, watch: _Watch) -> tuple[TrialRow, TextModel | None]:
    trained = fit(prepared, report=watch.report, on_step=watch)
    model = cast(TextModel, trained.model)
    value, last = trained.scores.figures[watch.metric], watch.last
    assert last is not None
    if not is_finite(value):
        return watch.row("failed", f"{watch.metric} is not defined for its answers"), None
    if last.number == last.total:
        # the limit cut nothing: the recipe is that of any training
        return watch.row("done", "", value), replace(model, recipe=recipe)
    note = watch.cut or f"ended at step {last.number:,} of {last.total:,}"
    return watch.row("done", note, value), model


def _reason(error: Exception) -> str:
    told = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "out of memory" in told or "can't allocate" in told:
        return "out of memory"
    return (told or type(error).__name__)[:300]
