"""A display of steps or runs: it decides what stands beside a bar, and how often it is drawn."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from munjang.progress.pace import Pace
from munjang.units import format_duration

if TYPE_CHECKING:
    from munjang.training.loop import Step

DRAWN_SECONDS = 0.1


class Bar(Protocol):
    """A bar with texts beside it."""

    def draw(self, done: int, total: int, parts: Mapping[str, str]) -> None:
        """Draw the bar.

        Args:
            done: number of steps or runs that are done.
            total: number of all.
            parts: texts beside the bar by name, each on one line; empty ones are left out.
        """

    def stage(self, description: str) -> AbstractContextManager[None]:
        """Show a stage, such as reading a file, while the block runs."""

    def close(self) -> None:
        """Stop drawing; the bar stays as it is, or goes if it is transient."""


class Display:
    """A bar that follows the steps of a training, or the runs of a comparison or a search.

    Args:
        bar: where it is drawn; None draws nothing.
    """

    def __init__(self, bar: Bar | None) -> None:
        self.pace = Pace()
        self._bar = bar
        self._drawn: float | None = None
        self._score = ""

    def step(self, step: "Step") -> None:
        """Show a step, unless the last one that was drawn is less than a tenth of a second ago."""
        if self._bar is None:
            return
        now = time.perf_counter()
        self.pace.take(step, now)
        if step.scores is not None:
            from munjang.progress.scores import format_score

            self._score = format_score(step.scores, step.metric)
        is_due = self._drawn is None or now - self._drawn >= DRAWN_SECONDS
        if is_due or step.scores is not None or step.number == step.total:
            self._drawn = now
            # of a run that the clock ends, the number of all steps is an estimate
            self._bar.draw(step.number, step.total, self._parts(step))

    def _parts(self, step: "Step") -> dict[str, str]:
        left = self.pace.left(step)
        return {
            "loss": f"loss {self.pace.loss:.4f}",
            "score": self._score,
            "rate": f"{self.pace.rate:,.0f} {step.unit}/s" if self.pace.rate else "",
            "left": "" if left is None else f"{format_duration(left)} left",
        }

    def count(self, done: int, total: int, text: str) -> None:
        """Show how many runs are done, and which one is next."""
        if self._bar is not None:
            self._bar.draw(done, total, {"text": text})

    def beside(self, on_step: "Callable[[Step], None] | None") -> "Callable[[Step], None] | None":
        """Return the function that shows a step and calls another one with it, if there is any."""
        if self._bar is None or on_step is None:
            return on_step if self._bar is None else self.step
        call = on_step

        def both(step: "Step") -> None:
            self.step(step)
            call(step)

        return both
