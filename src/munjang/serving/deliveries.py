"""Results on their way from the threads of the engines to the event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

Results = Sequence[Any]

# Results per turn of the loop. Between two turns it reads what has come in, so that a refusal does
# not wait until the responses of a whole batch are written.
_PER_TURN = 4


class Deliveries:
    """Results that wait for the event loop, which is woken once for those of a batch.

    Args:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting: deque[tuple[asyncio.Future[Results], Results | Exception]] = deque()
        self._is_woken = False

    def create_future(self) -> asyncio.Future[Results]:
        """Return a future of the loop for one result."""
        return self._loop.create_future()

    def add(self, future: asyncio.Future[Results], results: Results | Exception) -> None:
        """Give a future its results, from any thread; they are set soon, in order of arrival."""
        with self._lock:
            self._waiting.append((future, results))
            is_first, self._is_woken = not self._is_woken, True
        if is_first:
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        with self._lock:
            count = min(_PER_TURN, len(self._waiting))
            taken = [self._waiting.popleft() for _ in range(count)]
            self._is_woken = bool(self._waiting)
        if self._is_woken:
            self._loop.call_soon(self._settle)
        for future, results in taken:
            if future.done():
                continue
            if isinstance(results, Exception):
                future.set_exception(results)
            else:
                future.set_result(results)
