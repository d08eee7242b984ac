"""Signals that ask the process to end: Ctrl-C, and SIGTERM, as schedulers and containers send it.

Nothing but the standard library is imported here, and little of it: this stands before all else.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# What a shell says of a process that a signal ended: 130 for Ctrl-C, 143 for SIGTERM.
ENDED_BY_SIGNAL = 128


class Terminated(KeyboardInterrupt):
    """SIGTERM came. As Ctrl-C it is no `Exception`: only who cleans up catches it."""


def end_at_once(number: int, frame: object) -> None:
    """Say so and end the process, for a moment in which nothing can be left half done."""
    with suppress(OSError):
        os.write(2, b"munjang: stopped\n")
    os._exit(ENDED_BY_SIGNAL + number)


def raise_terminated(number: int, frame: object) -> None:
    """Do with SIGTERM what Python does with Ctrl-C."""
    raise Terminated


def take_signals() -> None:
    """Until `begin`, let Ctrl-C and SIGTERM end the process at once.

    An import that an exception breaks off leaves torch and NumPy in pieces, which fail with errors
    of their own. Handlers of somebody else, and signals that are ignored, stay as they are.
    """
    for number, default in _DEFAULTS.items():
        if signal.getsignal(number) is default:
            signal.signal(number, end_at_once)


def begin() -> None:
    """From here on, let Ctrl-C and SIGTERM raise, to be handled with care."""
    for number, handler in _RAISING.items():
        if signal.getsignal(number) is end_at_once:
            signal.signal(number, handler)


@contextmanager
def signals_taken() -> Iterator[None]:
    """Within, what `take_signals` says; behind it, what was before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _DEFAULTS}
    take_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that Python did not set
                signal.signal(number, handler)


def free_to_take(number: signal.Signals) -> bool:
    """Whether a signal ends the process, or raises: nobody else has plans with it."""
    usual = (_DEFAULTS[number], _RAISING[number], end_at_once)
    return signal.getsignal(number) in usual


def exit_code(stop: BaseException) -> int:
    """The exit code behind Ctrl-C or SIGTERM, also where it was raised anew with more words."""
    reason: BaseException | None = stop
    while reason is not None:
        if isinstance(reason, Terminated):
            return ENDED_BY_SIGNAL + signal.SIGTERM
        reason = reason.__cause__ or reason.__context__
    return ENDED_BY_SIGNAL + signal.SIGINT


_DEFAULTS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
_RAISING = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: raise_terminated}
