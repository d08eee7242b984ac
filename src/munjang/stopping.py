"""Signals that ask the process to end: Ctrl-C, and SIGTERM from schedulers and containers.

This module is imported before all others, so it imports only few modules of the standard library.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Shells add this to the number of the signal that ended a process: 130 for Ctrl-C, 143 for SIGTERM.
ENDED_BY_SIGNAL = 128


class Terminated(KeyboardInterrupt):
    """Raised at SIGTERM. Like Ctrl-C it is not an `Exception`, so that only cleanup catches it."""


def exit_now(number: int, frame: object) -> None:
    """Print a line and end the process; used while nothing can be left half done."""
    with suppress(OSError):
        os.write(2, b"munjang: stopped\n")
    os._exit(ENDED_BY_SIGNAL + number)


def raise_terminated(number: int, frame: object) -> None:
    """Raise `Terminated`, as Python raises `KeyboardInterrupt` at Ctrl-C."""
    raise Terminated


def exit_on_signals() -> None:
    """Let Ctrl-C and SIGTERM end the process at once, until `raise_on_signals` is called.

    An exception during an import leaves torch and NumPy half imported, and they then fail with
    unrelated errors. Handlers set by the program, and ignored signals, are left as they are.
    """
    for number, default in _DEFAULTS.items():
        if signal.getsignal(number) is default:
            signal.signal(number, exit_now)


def raise_on_signals() -> None:
    """Let Ctrl-C and SIGTERM raise from now on, so that cleanup runs."""
    for number, handler in _RAISING.items():
        if signal.getsignal(number) is exit_now:
            signal.signal(number, handler)


@contextmanager
def exiting_on_signals() -> Iterator[None]:
    """Call `exit_on_signals` for the block, and restore the handlers after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _DEFAULTS}
    exit_on_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None for a handler that was not set from Python
                signal.signal(number, handler)


def has_default_handler(number: signal.Signals) -> bool:
    """Return whether the handler of a signal is that of Python or of this module."""
    return signal.getsignal(number) in (_DEFAULTS[number], _RAISING[number], exit_now)


def exit_code(stop: BaseException) -> int:
    """Return the exit code after Ctrl-C or SIGTERM, also if `stop` was raised from another one."""
    reason: BaseException | None = stop
    while reason is not None:
        if isinstance(reason, Terminated):
            return ENDED_BY_SIGNAL + signal.SIGTERM
        reason = reason.__cause__ or reason.__context__
    return ENDED_BY_SIGNAL + signal.SIGINT


_DEFAULTS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
_RAISING = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: raise_terminated}
