"""What a run's process is given when its model is fitted, whatever the model is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.comparison.kept import Part


@dataclass(frozen=True)
class Fitted:
    """A model that was fitted and saved.

    Attributes:
        figures: for `run.json`: parameters, seconds, tokens_per_second, steps, planned_steps,
            passes, processor_share and history.
        answer: texts to answers, as a person would ask; its time is measured.
        keep_answers: from the test part and the run's folder: answers all of it, keeps that there,
            and gives the figures that only this process can know.
    """

    figures: dict[str, Any]
    answer: Callable[[Sequence[str]], Any]
    keep_answers: Callable[[Part, Path], dict[str, float]]


def baseline_figures(parameters: int, seconds: float) -> dict[str, Any]:
    """The figures of a baseline, which takes no steps, and all the time that it needs."""
    return {
        "parameters": parameters,
        "seconds": seconds,
        "tokens_per_second": None,
        "steps": None,
        "planned_steps": None,
        "passes": None,
        "processor_share": None,
        "history": [],
    }
