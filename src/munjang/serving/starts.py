"""Requests that are about to be answered: a few of them begin per turn of the event loop.

To begin a request takes ten times as long as to refuse one. If the loop began all that it has read,
those that it refuses next would wait for them, and the wait before the queue of the engine would be
known to nobody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

# Requests that begin per turn.
_PER_TURN = 4


class Starts:
    """Requests in order of arrival that wait for their turn. It is used in the event loop alone."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Callable[[], object]]] = deque()
        self._begun = 0  # in this turn
        self._is_scheduled = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def seconds(self) -> float:
        """Time for which the oldest one has waited; 0 if none waits."""
        return time.monotonic() - self._waiting[0][0] if self._waiting else 0.0

    def add(self, start: Callable[[], object]) -> None:
        """Call a function in this turn of the loop if there is room, or in a later one."""
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._next_turn)
        if self._waiting or self._begun >= _PER_TURN:
            self._waiting.append((time.monotonic(), start))
        else:
            self._begun += 1
            start()

    def _next_turn(self) -> None:
        self._begun = min(_PER_TURN, len(self._waiting))
        self._is_scheduled = self._begun > 0
        if self._is_scheduled:
            asyncio.get_running_loop().call_soon(self._next_turn)
        for _ in range(self._begun):
            self._waiting.popleft()[1]()
