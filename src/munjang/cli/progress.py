"""Progress of a training: a bar on a terminal, plain lines in a pipe, or nothing."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from munjang.cli.output import make_console, note
from munjang.cli.stages import showing_stages
from munjang.cli.wrapping import terminal_width, wrap
from munjang.reporting import escape_line
from munjang.units import format_duration

if TYPE_CHECKING:
    from munjang.tasks.task import TaskScores
    from munjang.training.loop import Step

LINE_SECONDS = 10.0
BAR_SECONDS = 0.1
# Parts of the line that are left out, in this order, before the bar becomes too short.
_LEFT_OUT_FIRST = ("rate", "score", "left", "loss")
_SHORTEST_BAR = 6


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


@dataclass
class Pace:
    """Smoothed loss, and speed over the last seconds.

    Attributes:
        seconds: length of the window of the speed.
        loss: exponential moving average of the losses of the batches.
        tokens: tokens (or images) of all steps, without padding.
    """

    seconds: float = 10.0
    loss: float = 0.0
    tokens: int = 0
    _weight: float = 0.0
    _now: tuple[float, int, int] = (0.0, 0, 0)
    _marks: deque[tuple[float, int, int]] = field(default_factory=deque)

    def take(self, step: "Step", now: float) -> None:
        """Count a step that ended at `now`, in seconds of any clock."""
        if not self._marks:
            # The start of the first step is unknown, so its tokens do not count for the speed.
            self._marks.append((now, step.tokens, step.number))
        self.tokens += step.tokens
        self._weight = 0.98 * self._weight + 0.02
        self.loss += (step.loss - self.loss) * 0.02 / self._weight
        self._now = (now, self.tokens, step.number)
        if now - self._marks[-1][0] >= self.seconds / 20:
            self._marks.append(self._now)
        while len(self._marks) > 1 and now - self._marks[0][0] > self.seconds:
            self._marks.popleft()

    @property
    def rate(self) -> float:
        """Tokens per second; 0 before the second step."""
        seconds, tokens, _ = self._span()
        return tokens / seconds if seconds > 0 else 0.0

    def left(self, step: "Step") -> float | None:
        """Return the seconds to the last step at the present speed; None before the second step."""
        if step.budget is not None:
            return max(0.0, step.budget * (1 - step.progress))
        seconds, _, steps = self._span()
        return (step.total - step.number) * seconds / steps if steps else None

    def _span(self) -> tuple[float, int, int]:
        if not self._marks:
            return 0.0, 0, 0
        first, last = self._marks[0], self._now
        return last[0] - first[0], last[1] - first[1], last[2] - first[2]


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
            parts.append(_all_scores(step.scores) + (" (best so far)" if step.is_best else ""))
        if self.pace.rate:
            parts.append(f"{self.pace.rate:,.0f} {step.unit}/s")
        left = self.pace.left(step)
        if left is not None:
            parts.append(f"{format_duration(left)} left")
        return "  ".join(parts)


def _all_scores(scores: "TaskScores") -> str:
    from munjang.tasks.metric_table import METRICS

    metrics = (_score(scores, name) for name in scores.metrics if METRICS[name].can_select)
    return f"validation: {', '.join(metrics)}"


def _score(scores: "TaskScores", metric: str) -> str:
    from munjang.tasks.metric_table import METRICS

    return f"{METRICS[metric].title} {scores.metrics[metric]:.4f}"


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
    """A progress bar with loss, metric, tokens per second and time left."""

    def __init__(self) -> None:
        self.pace = Pace()
        self._console = make_console(error=True)
        self._bar: Any = None
        self._shown = 0.0
        self._score = ""

    def report(self, line: str) -> None:
        """Write the note above the bar."""
        self._print(escape_line(line))

    def step(self, step: "Step") -> None:
        """Move the bar."""
        now = time.perf_counter()
        self.pace.take(step, now)
        if step.scores is not None:
            self._score = _score(step.scores, step.metric)
            self._print(
                f"step {step.number:,}: {_all_scores(step.scores)}"
                + (" (best so far)" if step.is_best else "")
            )
            for line in _samples(step.scores):
                self._print(line)
        if step.scores is None and now - self._shown < BAR_SECONDS:
            return
        self._shown = now
        self._console.width = terminal_width(sys.stderr) or self._console.width  # it may change
        if self._bar is None:
            self._start(step)
        left = self.pace.left(step)
        parts = {
            "loss": f"loss {self.pace.loss:.4f}",
            "score": self._score,
            "rate": f"{self.pace.rate:,.0f} {step.unit}/s" if self.pace.rate else "",
            "left": "" if left is None else f"{format_duration(left)} left",
        }
        steps = f"{step.total}/{step.total}"
        fields = _leave_out(parts, self._console.width - len(steps) - _SHORTEST_BAR)
        # of a run that the clock ends, the number of all steps is an estimate
        self._bar.update(self._bar.task_ids[0], completed=step.number, total=step.total, **fields)

    def _print(self, line: str) -> None:
        self._console.print(wrap(line, self._console.width))

    def _start(self, step: "Step") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        names = ("loss", "score", "rate", "left")
        self._bar = Progress(
            BarColumn(bar_width=None),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            *(
                TextColumn(
                    f"{{task.fields[{name}]}}",
                    markup=False,
                    table_column=Column(no_wrap=True),
                )
                for name in names
            ),
            console=self._console,
            expand=True,
        )
        self._bar.add_task("", total=step.total, **dict.fromkeys(names, ""))
        self._bar.start()

    def close(self) -> None:
        """Stop drawing; the last state of the bar stays on the terminal."""
        if self._bar is not None:
            self._bar.stop()


def _leave_out(parts: dict[str, str], width: int) -> dict[str, str]:
    """Return the parts of the line that fit into `width`; the others become empty."""
    parts = dict(parts)
    for name in _LEFT_OUT_FIRST:
        if sum(len(text) + 1 for text in parts.values()) <= width:
            break
        parts[name] = ""
    return parts
