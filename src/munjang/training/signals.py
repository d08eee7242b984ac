"""Ctrl-C and SIGTERM during a training: noted between steps, raised while the model is saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from munjang.stopping import Terminated, has_default_handler


class StopRequest:
    """Handler of Ctrl-C and SIGTERM that notes the request to stop a training.

    Attributes:
        is_made: True once a signal has come; the training stops at the end of the step.
        reason: the SIGTERM, if one has come, as the cause of the exception that ends the training.
    """

    def __init__(self) -> None:
        self.is_made = False
        self.reason: Terminated | None = None
        self._raises, self._is_deferred = False, False

    def __call__(self, number: int, frame: object) -> None:
        """Note a signal; a Ctrl-C after the first signal stops at once.

        A second SIGTERM does not: schedulers send it to a process, and again to all of its group.
        """
        is_second_ctrl_c = self.is_made and number == signal.SIGINT
        self.is_made = True
        if number == signal.SIGTERM:
            self.reason = self.reason or Terminated()
        if not self._is_deferred and (is_second_ctrl_c or self._raises):
            # the handler of the exception that ends the saving writes a checkpoint
            self._is_deferred = self._raises
            raise KeyboardInterrupt

    @contextmanager
    def raise_at_once(self) -> Iterator[None]:
        """Let the first signal stop the block at once, also one that was noted before it.

        Raises:
            KeyboardInterrupt: a signal has come.
        """
        self._raises = True
        if self.is_made:
            self._is_deferred = True
            raise KeyboardInterrupt
        yield
        # the block is done: a signal from here on would only undo it
        self._is_deferred = True

    @contextmanager
    def defer(self) -> Iterator[None]:
        """Let no signal stop the block: the next run needs the checkpoint that it writes."""
        before, self._is_deferred = self._is_deferred, True
        try:
            yield
        finally:
            self._is_deferred = before


@contextmanager
def catch_signals() -> Iterator[StopRequest]:
    """Note Ctrl-C and SIGTERM in the block, to be checked between steps.

    A block within another one shares its request. A SIGTERM that the program handles itself, or
    ignores, is left to it.
    """
    before, request = signal.getsignal(signal.SIGINT), StopRequest()
    in_main = threading.current_thread() is threading.main_thread()
    if isinstance(before, StopRequest) or not in_main:
        yield before if isinstance(before, StopRequest) and in_main else request
        return
    handlers = {signal.SIGINT: before}
    if has_default_handler(signal.SIGTERM):
        handlers[signal.SIGTERM] = signal.getsignal(signal.SIGTERM)
    for number in handlers:
        signal.signal(number, request)
    try:
        yield request
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
