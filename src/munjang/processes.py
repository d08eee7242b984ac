"""Processes that this one starts and waits for."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def delaying_interrupts() -> Iterator[None]:
    """Delay Ctrl-C until the process that is being started is known, so that it can be ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupted.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted.is_set():
        raise KeyboardInterrupt


def why_it_ended(code: int) -> str:
    """Explain the exit code of a process that wrote no record."""
    if code >= 0:
        return f"the process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = "; the system does so when memory runs out" if name == "SIGKILL" else ""
    return f"the process was ended by {name}{hint}"
