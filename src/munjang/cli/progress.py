"""Progress of a training: a bar on a terminal, plain lines in a pipe, or nothing."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from munjang.cli.output import note
from munjang.cli.stages import showing_stages
from munjang.progress.display import Display
from munjang.progress.pace import Pace
from munjang.progress.terminal import TerminalBar
from munjang.reporting import escape_line
from munjang.units import format_duration

if TYPE_CHECKING:
    from munjang.tasks.task import TaskScores
    from munjang.training.loop import Step

LINE_SECONDS = 10.0


class Watcher(Protocol):
    """A display of a training."""

    def report(self, line: str) -> None:
        """Show a note."""

    def step(self, step: "Step") -> None:
        """Show a step of the training."""


@contextmanager
def watching(*, quiet: bool = False) -> Iterator[Watcher]:
    """Yield the display that suits standard error."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty():
        bar = Bar()
        try:
            with showing_stages():
                yield bar
        finally:
            bar.close()
    else:
        yield Lines()


def notes(*, quiet: bool) -> Callable[[str], None]:
    """Return the function that takes notes: it writes them to standard error, or drops them."""
    return Silence().report if quiet else Lines().report


class Silence:
    """No display."""

    def report(self, line: str) -> None:
        """Drop the note."""

    def step(self, step: "Step") -> None:
        """Drop the step."""


class Lines:
    """Plain lines: one per validation run, and one about every ten seconds."""

    def __init__(self) -> None:
        self.pace = Pace()
        self._last: float | None = None

    def report(self, line: str) -> None:
        """Write the note."""
        note(escape_line(line))

    def step(self, step: "Step") -> None:
        """Write a line when one is due."""
        now = time.perf_counter()
        self.pace.take(step, now)
        if self._last is None:
            self._last = now
        if step.scores is None and now - self._last < LINE_SECONDS:
            return
        self._last = now
        note(self._line(step))
        for line in _samples(step.scores):
            note(line)

    def _line(self, step: "Step") -> str:
        is_timed = step.budget is not None
        parts = [
            f"step {step.number:,}{'' if is_timed else f'/{step.total:,}'}",
            f"{step.progress if is_timed else step.number / step.total:4.0%}",
            f"loss {self.pace.loss:.4f}",
        ]
        if step.scores is not None:
            parts.append(_validation(step))
        if self.pace.rate:
            parts.append(f"{self.pace.rate:,.0f} {step.unit}/s")
        left = self.pace.left(step)
        if left is not None:
            parts.append(f"{format_duration(left)} left")
        return "  ".join(parts)


def _validation(step: "Step") -> str:
    from munjang.progress.scores import format_scores

    assert step.scores is not None
    best = " (best so far)" if step.is_best else ""
    return f"validation: {format_scores(step.scores)}{best}"


def _samples(scores: "TaskScores | None") -> list[str]:
    """Return lines with some of the present answers, if the scores have samples."""
    from munjang.tasks.score_details import HasSamples

    if not isinstance(scores, HasSamples):
        return []
    lines = []
    for sample in scores.samples:
        source, reference, answer = map(escape_line, sample)
        lines.append(f"  {source}\n    {answer}\n    (reference: {reference})")
    return lines


class Bar:
    """A progress bar with loss, metric, tokens per second and time left, below notes and scores."""

    def __init__(self) -> None:
        self._bar = TerminalBar()
        self._display = Display(self._bar)

    def report(self, line: str) -> None:
        """Write the note above the bar."""
        self._bar.print(escape_line(line))

    def step(self, step: "Step") -> None:
        """Move the bar; scores become a line above it."""
        if step.scores is not None:
            self._bar.print(f"step {step.number:,}: {_validation(step)}")
            for line in _samples(step.scores):
                self._bar.print(line)
        self._display.step(step)

    def close(self) -> None:
        """Stop drawing; the last state of the bar stays on the terminal."""
        self._bar.close()
