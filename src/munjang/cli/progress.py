"""What is seen while a model trains: a bar on a terminal, plain lines in a pipe, or nothing."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from munjang.cli.output import console, note, shown
from munjang.cli.stages import showing_stages
from munjang.cli.wrapping import terminal_width, wrapped
from munjang.config import merge, parse_overrides, read_yaml
from munjang.units import format_duration

if TYPE_CHECKING:
    from munjang.tasks.task import TaskScores
    from munjang.training.loop import Step

LINE_SECONDS = 10.0
BAR_SECONDS = 0.1
# What stands beside the bar leaves in this order where there is no room, before the bar does.
_LEFT_OUT_FIRST = ("rate", "score", "left", "loss")
_SHORTEST_BAR = 6


class Watcher(Protocol):
    """What follows a training."""

    def report(self, line: str) -> None:
        """Take a line for people."""

    def step(self, step: "Step") -> None:
        """Take a step of the training."""


@contextmanager
def watching(metric: str, *, quiet: bool = False) -> Iterator[Watcher]:
    """The watcher that suits standard error; `metric` is shown beside the loss."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty():
        bar = Bar(metric)
        try:
            with showing_stages():
                yield bar
        finally:
            bar.close()
    else:
        yield Lines()


def notes(*, quiet: bool) -> Callable[[str], None]:
    """Where lines for people go: standard error, or nowhere."""
    return Silence().report if quiet else Lines().report


def chosen_metric(task: str | None, config: str | None, overrides: Iterable[str]) -> str:
    """Name of the metric that decides which step is best, as the settings have it.

    Where they are wrong it does not matter: the training will say so.
    """
    from munjang.recipe import named_task

    given = merge({} if config is None else read_yaml(config), parse_overrides(overrides))
    training = given.get("training")
    metric = training.get("metric") if isinstance(training, dict) else None
    known = named_task(given if task is None else {"task": task}).metrics
    return metric if metric in known else known[0]


@dataclass
class Pace:
    """Smoothed loss, and speed over the last seconds.

    Attributes:
        loss: running mean of the batches' losses, the latest weighing most.
        tokens: real tokens (or images) of all steps seen.
    """

    seconds: float = 10.0
    loss: float = 0.0
    tokens: int = 0
    _weight: float = 0.0
    _now: tuple[float, int, int] = (0.0, 0, 0)
    _marks: deque[tuple[float, int, int]] = field(default_factory=deque)

    def take(self, step: "Step", now: float) -> None:
        """Count one step that ended at `now`, in seconds of any clock."""
        if not self._marks:
            # The first step's beginning is not known, so its tokens do not count for the speed.
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
        """Real tokens a second; 0 before anything was measured."""
        seconds, tokens, _ = self._span()
        return tokens / seconds if seconds > 0 else 0.0

    def left(self, step: "Step") -> float | None:
        """Seconds to the last step at the present speed; None before anything was measured."""
        seconds, _, steps = self._span()
        return (step.total - step.number) * seconds / steps if steps else None

    def _span(self) -> tuple[float, int, int]:
        if not self._marks:
            return 0.0, 0, 0
        first, last = self._marks[0], self._now
        return last[0] - first[0], last[1] - first[1], last[2] - first[2]


class Silence:
    """Shows nothing."""

    def report(self, line: str) -> None:
        """Nothing."""

    def step(self, step: "Step") -> None:
        """Nothing."""


class Lines:
    """Plain lines: one an evaluation, and one about every ten seconds."""

    def __init__(self) -> None:
        self.pace = Pace()
        self._last: float | None = None

    def report(self, line: str) -> None:
        """Write the line."""
        note(shown(line))

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
        parts = [
            f"step {step.number:,}/{step.total:,}",
            f"{step.number / step.total:4.0%}",
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

    told = (
        f"{METRICS[name].title} {value:.4f}"
        for name, value in scores.metrics.items()
        if METRICS[name].can_select
    )
    return f"validation: {', '.join(told)}"


def _samples(scores: "TaskScores | None") -> list[str]:
    """Answers of the moment, of tasks that write some."""
    samples = getattr(scores, "samples", ())
    return [
        f"  {shown(source)}\n    {shown(answer)}\n    (people: {shown(reference)})"
        for source, reference, answer in samples
    ]


class Bar:
    """A progress bar with loss, metric, tokens per second and time left."""

    def __init__(self, metric: str) -> None:
        from munjang.tasks.metric_table import METRICS

        self.metric = metric
        self._title = METRICS[metric].title
        self.pace = Pace()
        self._console = console(error=True)
        self._bar: Any = None
        self._shown = 0.0
        self._score = ""

    def report(self, line: str) -> None:
        """Write the line above the bar."""
        self._print(shown(line))

    def step(self, step: "Step") -> None:
        """Move the bar."""
        now = time.perf_counter()
        self.pace.take(step, now)
        if step.scores is not None:
            value = step.scores.metrics[self.metric]
            self._score = f"{self._title} {value:.4f}"
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
        told = {
            "loss": f"loss {self.pace.loss:.4f}",
            "score": self._score,
            "rate": f"{self.pace.rate:,.0f} {step.unit}/s" if self.pace.rate else "",
            "left": "" if left is None else f"{format_duration(left)} left",
        }
        steps = f"{step.total}/{step.total}"
        fields = _with_room(told, self._console.width - len(steps) - _SHORTEST_BAR)
        self._bar.update(self._bar.task_ids[0], completed=step.number, **fields)

    def _print(self, line: str) -> None:
        self._console.print(wrapped(line, self._console.width))

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
        """Leave the terminal as it was, the last state of the bar standing."""
        if self._bar is not None:
            self._bar.stop()


def _with_room(told: dict[str, str], width: int) -> dict[str, str]:
    """What is told beside the bar, without that which matters least where all has no room."""
    told = dict(told)
    for name in _LEFT_OUT_FIRST:
        if sum(len(text) + 1 for text in told.values()) <= width:
            break
        told[name] = ""
    return told
