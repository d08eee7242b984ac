"""Train a network within its budget: the schedule is shortened so that it ends with the budget."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from munjang.api import Trained, fit, make_loop
from munjang.comparison.budget import Budget
from munjang.comparison.candidates import Candidate
from munjang.comparison.contests import contest_of
from munjang.comparison.plan import Job
from munjang.comparison.processor import ProcessorWatch
from munjang.config import merge, read_yaml
from munjang.errors import MunjangError
from munjang.estimates import Estimate, estimate_training
from munjang.folder.layout import CONFIG
from munjang.folder.load import load
from munjang.folder.replacement import CHECKPOINT, is_finished
from munjang.model import Model
from munjang.recipe import Recipe
from munjang.training.settings import TrainingSettings

# Share of the seconds that is planned for: a short timing is a little optimistic.
_PLANNED = 0.9
# Share of the seconds that timing a few steps may take, and the most seconds.
_TIMING, _LONGEST_TIMING = 0.1, 2.0
# Validation runs: points of the learning curve, and the share of the budget that they may take.
_EVALUATIONS, _EVALUATIONS_SHARE = 8, 0.15


def settings_of(candidate: Candidate, seed: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of one run: those of the person, with model, tokenizer and seed."""
    named: dict[str, Any] = {"seed": seed, "model": {"name": candidate.model}}
    if candidate.tokenizer is not None:
        named["tokenizer"] = {"name": candidate.tokenizer}
    if candidate.start is not None:
        named["pretrained"] = {"folder": candidate.start}
    return merge(given, named)


def fit_network(job: Job, parts: Path, out: Path) -> tuple[Model, ProcessorWatch]:
    """Train on the parts that lie in a folder, within the budget, into the model folder `out`.

    The training continues from a checkpoint in `out`, and a model that is finished is loaded: the
    attempt before this one ended with its node. The watch measures how much of the processor the
    training got.
    """
    watch = ProcessorWatch()
    network = _finished(out)
    if network is None:
        settings = settings_of(job.candidate, job.seed, job.given)
        prepared = contest_of(job.task).prepare(parts, settings, print)
        watch = ProcessorWatch()
        # the model is written after the last step, and the time of the disk does not count
        network = _fit(job, prepared, out, watch).model
    torch.set_num_threads(1)  # latency is measured on one core
    return network, watch


def _finished(out: Path) -> Model | None:
    """Return the model of an attempt that ended after the training; None if there is none."""
    if not is_finished(out):
        return None
    network = load(out)
    return network if isinstance(network, Model) else None


def _fit(job: Job, prepared: Any, out: Path, watch: ProcessorWatch) -> Trained:
    """Train from the checkpoint in a folder, or from the start if there is none that fits."""
    if (out / CHECKPOINT).exists():
        try:
            kept = replace(prepared, recipe=_paced_before(prepared.recipe, out))
            print("an earlier attempt left a checkpoint, which this one continues from")
            return fit(kept, out, resume=True, report=print, on_step=watch.look)
        except MunjangError as error:
            print(f"from the start: {error}")
            watch.look()
    paced = within(job.budget, prepared)
    return fit(paced, out, overwrite=True, report=print, on_step=watch.look)


def _paced_before(recipe: Recipe, out: Path) -> Recipe:
    """Return the recipe with the schedule of the attempt that wrote the checkpoint.

    Within a budget of seconds it followed from the speed of that node.
    """
    training = TrainingSettings.parse(read_yaml(out / CONFIG).get("training", {}))
    return recipe.model_copy(update={"training": training})


def network_record(network: Model, watch: ProcessorWatch, unit: str) -> dict[str, Any]:
    """Return the part of `run.json` about a training that counts tokens, images or rows."""
    training = network.metrics["training"]
    rate = training[f"{unit}_per_second"]
    return {
        **{key: training[key] for key in ("parameters", "seconds", "steps")},
        "tokens_per_second": rate,
        "planned_steps": network.recipe.training.max_steps,
        # rounded, as the seconds that cancel out leave their rounding behind
        "epochs": round(rate * training["seconds"] / max(1, training[unit]), 6),
        "processor_share": watch.share(training["threads"]),
        "history": network.metrics["history"],
    }


def within(budget: Budget, prepared: Any) -> Any:
    """Return the same training, with its steps limited to what the budget allows.

    The epochs of the recipe stay the upper limit: more would no longer be the model's defaults.
    """
    training = prepared.recipe.training
    per_epoch = make_loop(prepared).steps_per_epoch
    own = min(per_epoch * training.epochs, training.max_steps or per_epoch * training.epochs)
    if budget.seconds is None:
        steps = int(budget.amount / (prepared.facts[prepared.train.unit] / per_epoch))
        paced = _paced(training, min(own, steps), per_epoch, _EVALUATIONS)
    else:
        timing = min(_LONGEST_TIMING, _TIMING * budget.seconds)
        paced = paced_by_clock(
            training, budget.seconds, estimate_training(prepared, seconds=timing), per_epoch
        )
    recipe = prepared.recipe.model_copy(update={"training": paced})
    return replace(prepared, recipe=recipe)


def paced_by_clock(
    training: TrainingSettings, seconds: float, estimate: Estimate, per_epoch: int
) -> TrainingSettings:
    """Return settings whose schedule ends within `seconds`, at the measured speed.

    Args:
        training: The model's own settings.
        seconds: The budget; the clock stops the training there at the latest.
        estimate: Cost of the whole training.
        per_epoch: Steps per epoch.
    """
    own = estimate.steps
    evaluations = own / per_epoch * training.validations_per_epoch
    each = estimate.evaluation_seconds
    step = max(estimate.seconds - evaluations * each, 1e-9) / own
    affordable = max(1, min(_EVALUATIONS, int(_EVALUATIONS_SHARE * seconds / max(each, 1e-9))))
    steps = min(own, int((_PLANNED * seconds - affordable * each) / step))
    paced = _paced(training, steps, per_epoch, affordable)
    return paced.model_copy(update={"max_seconds": seconds})


def _paced(
    training: TrainingSettings, steps: int, per_epoch: int, evaluations: int
) -> TrainingSettings:
    """Return settings with so many steps, and validation runs for that many points of a curve."""
    steps = max(1, steps)
    fewest = training.validations_per_epoch if steps >= per_epoch else 1
    each_epoch = max(fewest, evaluations * per_epoch // steps)
    return training.model_copy(update={"max_steps": steps, "validations_per_epoch": each_epoch})
