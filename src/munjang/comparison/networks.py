"""A network within its budget: the schedule is cut so that it ends when the budget does."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from munjang.api import Trained, fit, make_loop
from munjang.comparison.budget import Budget
from munjang.comparison.entrants import ComparedTask, Entrant
from munjang.comparison.kept import part_file
from munjang.comparison.plan import Job
from munjang.comparison.processor import ProcessorWatch
from munjang.config import merge
from munjang.estimates import Estimate, estimate_training
from munjang.pair_preparation import PreparedPairs, prepare_pairs
from munjang.preparation import Prepared, prepare
from munjang.training.settings import TrainingSettings

Ready = Prepared | PreparedPairs
PREPARE: dict[ComparedTask, Callable[..., Ready]] = {
    "classify": prepare,
    "translate": prepare_pairs,
}

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


def fit_network(job: Job, parts: Path, out: Path) -> tuple[Trained, ProcessorWatch]:
    """Train on the parts that lie in a folder, within the budget, into the model folder `out`.

    The watch tells how much of the processor the training got.
    """
    settings = settings_of(job.entrant, job.seed, job.given)
    files = (str(part_file(parts, name)) for name in ("train", "valid"))
    prepared = PREPARE[job.task](*files, job.entrant.model, settings, print)
    watch = ProcessorWatch()
    # the model is written after the last step: the disk is no processor
    trained = fit(
        within(job.budget, prepared), out, overwrite=True, report=print, on_step=watch.look
    )
    torch.set_num_threads(1)  # what follows is measured as a person would ask, on one core
    return trained, watch


def network_figures(trained: Trained, watch: ProcessorWatch) -> dict[str, Any]:
    """What `run.json` tells of a training."""
    training = trained.metrics["training"]
    kept = ("parameters", "seconds", "tokens_per_second", "steps")
    seen = training["tokens_per_second"] * training["seconds"]
    return {
        **{key: training[key] for key in kept},
        "planned_steps": trained.model.recipe.training.max_steps,
        "passes": seen / max(1, training["tokens"]),
        "processor_share": watch.share(training["threads"]),
        "history": trained.metrics["history"],
    }


def within(budget: Budget, prepared: Ready) -> Ready:
    """The same training, with its steps cut to what the budget allows.

    The recipe's own number of passes stays the most: more of them would not be the model's own
    sensible settings any more.
    """
    training = prepared.recipe.training
    per_epoch = make_loop(prepared).steps_per_epoch
    own = min(per_epoch * training.epochs, training.max_steps or per_epoch * training.epochs)
    if budget.seconds is None:
        steps = int(budget.amount / (prepared.facts[prepared.train.unit] / per_epoch))
        paced = _paced(training, min(own, steps), per_epoch, _LOOKS)
    else:
        timing = min(_LONGEST_TIMING, _TIMING * budget.seconds)
        paced = paced_by_clock(
            training, budget.seconds, estimate_training(prepared, seconds=timing), per_epoch
        )
    recipe: Any = prepared.recipe.model_copy(update={"training": paced})
    return replace(prepared, recipe=recipe)


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
