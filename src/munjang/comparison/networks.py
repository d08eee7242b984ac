"""A network within its budget: the schedule is cut so that it ends when the budget does."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from munjang.api import Trained, fit, make_loop
from munjang.comparison.budget import Budget
from munjang.comparison.entrants import Entrant
from munjang.config import merge
from munjang.estimates import Estimate, estimate_training
from munjang.preparation import Prepared, prepare
from munjang.training.settings import TrainingSettings

# Of the seconds, that many are planned for: a machine is never quite as quick as a short look says.
_PLANNED = 0.9
# Of the seconds, that many may go into timing a few steps, up to a limit.
_TIMING, _LONGEST_TIMING = 0.1, 2.0
# A learning curve wants points; looking at the validation part may cost that share of the budget.
_LOOKS, _LOOKS_SHARE = 8, 0.15


def settings_of(entrant: Entrant, seed: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one run: what the person gave, and who runs with which seed."""
    named: dict[str, Any] = {"seed": seed, "model": {"name": entrant.model}}
    if entrant.tokenizer is not None:
        named["tokenizer"] = {"name": entrant.tokenizer}
    return merge(given, named)


def fit_network(
    entrant: Entrant, seed: int, budget: Budget, given: Mapping[str, Any], parts: Path, out: Path
) -> Trained:
    """Train on the parts that lie in a folder, with a budget, into the model folder `out`."""
    settings = settings_of(entrant, seed, given)
    files = (str(parts / "train.parquet"), str(parts / "valid.parquet"))
    prepared = prepare(*files, entrant.model, settings, print)
    return fit(within(budget, prepared), out, overwrite=True, say=print)


def within(budget: Budget, prepared: Prepared) -> Prepared:
    """The same training, with its steps cut to what the budget allows.

    The recipe's own number of passes stays the most: more of them would not be the model's own
    sensible settings any more.
    """
    training = prepared.recipe.training
    per_epoch = make_loop(prepared).per_epoch
    own = min(per_epoch * training.epochs, training.max_steps or per_epoch * training.epochs)
    if budget.seconds is None:
        steps = int(budget.amount / (prepared.facts["tokens"] / per_epoch))
        paced = _paced(training, min(own, steps), per_epoch, _LOOKS)
    else:
        timing = min(_LONGEST_TIMING, _TIMING * budget.seconds)
        paced = paced_by_clock(
            training, budget.seconds, estimate_training(prepared, seconds=timing), per_epoch
        )
    return replace(prepared, recipe=prepared.recipe.model_copy(update={"training": paced}))


def paced_by_clock(
    training: TrainingSettings, seconds: float, estimate: Estimate, per_epoch: int
) -> TrainingSettings:
    """Settings whose schedule ends within `seconds`, at the speed that was measured.

    Args:
        training: the model's own settings.
        seconds: the budget; the clock stops the training there at the latest.
        estimate: what the whole training would cost.
        per_epoch: steps of one pass.
    """
    own = estimate.steps
    looks = own / per_epoch * training.evaluations_per_epoch
    look = estimate.evaluation_seconds
    step = max(estimate.seconds - looks * look, 1e-9) / own
    affordable = max(1, min(_LOOKS, int(_LOOKS_SHARE * seconds / max(look, 1e-9))))
    steps = min(own, int((_PLANNED * seconds - affordable * look) / step))
    paced = _paced(training, steps, per_epoch, affordable)
    return paced.model_copy(update={"max_seconds": seconds})


def _paced(training: TrainingSettings, steps: int, per_epoch: int, looks: int) -> TrainingSettings:
    steps = max(1, steps)
    fewest = training.evaluations_per_epoch if steps >= per_epoch else 1
    per_pass = max(fewest, looks * per_epoch // steps)
    return training.model_copy(update={"max_steps": steps, "evaluations_per_epoch": per_pass})
