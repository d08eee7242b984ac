"""The share of the processor that a run got: a busy machine makes models look bad."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], float]

# A run that got a smaller share of the processor time it asked for is marked.
ENOUGH = 0.7


@dataclass(frozen=True)
class Clocks:
    """Seconds of the wall, of all threads of this process, and of the thread that asks."""

    wall: Clock = time.perf_counter
    process: Clock = time.process_time
    thread: Clock = time.thread_time

    def read(self) -> tuple[float, float, float]:
        """All three, in that order."""
        return self.wall(), self.process(), self.thread()


@dataclass
class ProcessorWatch:
    """Measures the share of the processor from when it is made until it is last looked at.

    Args:
        clocks: what is read.
    """

    clocks: Clocks = field(default_factory=Clocks)

    def __post_init__(self) -> None:
        self._began = self._last = self.clocks.read()

    def look(self, *_: object) -> None:
        """The run is still at work."""
        self._last = self.clocks.read()

    def share(self, threads: int) -> float | None:
        """The share that the run got of the time of `threads` processors, 1 at most.

        The main thread works all the time, helpers only where there is work for them; so a run has
        what it asked for when its main thread does, however little the helpers had to do. None
        when no time has passed.
        """
        wall, process, thread = (
            last - began for last, began in zip(self._last, self._began, strict=True)
        )
        if wall <= 0:
            return None
        return min(1.0, max(thread, process / threads) / wall)
