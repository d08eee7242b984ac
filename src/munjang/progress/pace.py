"""Loss, speed and time left of a training."""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from munjang.training.loop import Step


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
