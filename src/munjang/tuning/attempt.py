"""One trial: train with its settings, watch its validation runs, and report how it ended."""

import gc
import time
from dataclasses import dataclass, replace
from typing import Any

from munjang.api import fit
from munjang.errors import MunjangError
from munjang.model import Model
from munjang.preparation import Prepared
from munjang.training.loop import Step
from munjang.tuning.parameters import is_finite
from munjang.tuning.pruning import Trial
from munjang.tuning.results import Ended, TrialRow
from munjang.tuning.space import with_values


class _Behind(Exception):  # noqa: N818 (not an error: the trial is pruned)
    """The trial is worse than the median of the others."""


@dataclass
class _Watch:
    """Follows the steps of a trial, and prunes it when it falls behind."""

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
        value = step.scores.metrics[self.metric]
        self.value = value if is_finite(value) else self.value
        behind = self.trial.report(value, step.number / step.total)
        if behind and step.number < step.total:  # at the last step all time is spent
            raise _Behind

    def report(self, line: str) -> None:
        """Keep the message of a training that diverged."""
        self.cut = line if line.startswith("training diverged") else self.cut

    def row(self, ended: Ended, note: str, value: float | None = None) -> TrialRow:
        return TrialRow(
            self.trial.number,
            ended,
            value,
            self.trial.settings,
            epochs=0 if self.last is None else self.last.epoch,
            steps=0 if self.last is None else self.last.number,
            seconds=time.perf_counter() - self.began,
            note=note,
        )


def attempt(
    prepared: Prepared, trial: Trial, seconds: float | None
) -> tuple[TrialRow, Model | None]:
    """Train with the settings of a trial; return its row, and the model if it finished.

    Args:
        prepared: What all trials share.
        trial: The trial.
        seconds: Time limit of its steps; None for no limit.

    Raises:
        Interrupted: Ctrl-C was pressed.
    """
    watch = _Watch(trial, prepared.recipe.training.metric, time.perf_counter())
    try:
        recipe = with_values(prepared.recipe, trial.settings)
        return _fitted(_with_recipe(prepared, _limited(recipe, seconds)), recipe, watch)
    except _Behind:
        return watch.row("pruned", "behind the median", watch.value), None
    except (MunjangError, MemoryError, RuntimeError) as error:
        reason = _reason(error)
    gc.collect()  # the frames of the error may hold what was too large for the memory
    return watch.row("failed", reason), None


def _with_recipe(prepared: Any, recipe: Any) -> Any:
    """Return what was prepared, or a model, with another recipe."""
    return replace(prepared, recipe=recipe)


def _limited(recipe: Any, seconds: float | None) -> Any:
    own = recipe.training.max_seconds
    least = min((limit for limit in (own, seconds) if limit is not None), default=None)
    training = recipe.training.model_copy(update={"max_seconds": least})
    return recipe.model_copy(update={"training": training})


def _fitted(prepared: Prepared, recipe: Any, watch: _Watch) -> tuple[TrialRow, Model | None]:
    trained = fit(prepared, report=watch.report, on_step=watch)
    model, last = trained.model, watch.last
    value = trained.scores.metrics[watch.metric]
    assert last is not None
    if not is_finite(value):
        return watch.row("failed", f"{watch.metric} is not defined for its answers"), None
    if last.number == last.total:
        # the limit had no effect: the recipe is that of any training
        return watch.row("done", "", value), _with_recipe(model, recipe)
    note = watch.cut or f"ended at step {last.number:,} of {last.total:,}"
    return watch.row("done", note, value), model


def _reason(error: Exception) -> str:
    message = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "out of memory" in message or "can't allocate" in message:
        return "out of memory"
    return (message or type(error).__name__)[:300]
