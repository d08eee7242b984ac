"""The share of processor time that a run got: a busy machine makes models look bad."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], float]

# A run that got a smaller share is marked.
ENOUGH = 0.7


@dataclass(frozen=True)
class Clocks:
    """Clocks in seconds: wall time, processor time of this process, and of the calling thread."""

    wall: Clock = time.perf_counter
    process: Clock = time.process_time
    thread: Clock = time.thread_time

    def read(self) -> tuple[float, float, float]:
        """Return all three, in that order."""
        return self.wall(), self.process(), self.thread()


@dataclass
class ProcessorWatch:
    """Measures the share of processor time from its creation until the last `look`.

    Args:
        clocks: The clocks to read.
    """

    clocks: Clocks = field(default_factory=Clocks)

    def __post_init__(self) -> None:
        self._began = self._last = self.clocks.read()

    def look(self, *_: object) -> None:
        """Note that the run is still at work."""
        self._last = self.clocks.read()

    def share(self, threads: int) -> float | None:
        """Return the share that the run got of the time of `threads` processors, at most 1.

        The main thread works all the time, helper threads only where there is work for them; so the
        larger of the two shares counts. None if no time has passed.
        """
        wall, process, thread = (
            last - began for last, began in zip(self._last, self._began, strict=True)
        )
        if wall <= 0:
            return None
        return min(1.0, max(thread, process / threads) / wall)
