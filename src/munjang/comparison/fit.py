"""Fit one model in the process of its run."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from munjang.comparison.contests import contest_of
from munjang.comparison.plan import Job

T = TypeVar("T")


@dataclass(frozen=True)
class Fitted:
    """A model that was fitted and saved.

    Attributes:
        model: Ready to answer.
        record: For `run.json`: parameters, seconds, tokens_per_second, steps, planned_steps,
            epochs, processor_share and history.
    """

    model: Any
    record: dict[str, Any]


def fit_job(job: Job, parts: Path, out: Path) -> Fitted:
    """Fit the model of a job on the parts in a folder, and save it in `out`."""
    contest = contest_of(job.task)
    if job.candidate.is_baseline:
        shutil.rmtree(out, ignore_errors=True)
        model, seconds = contest.fit_baseline(job, parts)
        model.save(out)
        return Fitted(model, _baseline_record(model.parameters, seconds))
    for module in contest.network_imports:
        import_module(module)

    from munjang.comparison.networks import fit_network, network_record

    network, watch = fit_network(job, parts, out)
    return Fitted(network, network_record(network, watch, contest.unit))


def timed(fit: Callable[[], T]) -> tuple[T, float]:
    """Return what `fit` gives, and the seconds that it took."""
    began = time.perf_counter()
    fitted = fit()
    return fitted, time.perf_counter() - began


def _baseline_record(parameters: int, seconds: float) -> dict[str, Any]:
    """Return the record of a baseline: it takes no steps, and all the time that it needs."""
    return {
        "parameters": parameters,
        "seconds": seconds,
        "tokens_per_second": None,
        "steps": None,
        "planned_steps": None,
        "epochs": None,
        "processor_share": None,
        "history": [],
    }
