"""A command in a process of its own: a crash costs that command alone.

The process ends when its standard input does, if it calls `end_with_parent`: a program that is
killed leaves none behind that writes into its folders.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

# Exit code of a process that cannot have the lock of its folder: another one still writes there.
LOCKED = 75
# Seconds of one wait; waiting in parts lets an interrupt of a thread's own in between.
_WAIT_SECONDS = 3600.0


class OwnProcess:
    """A running command. As a context it is killed at the end of the block, if it still runs.

    Args:
        command: program and arguments.
        log: file that its outputs are written to.
        threads: threads of its numerical libraries; None for as many as they choose.
        cwd: its working directory; None for that of this process.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: BinaryIO,
        *,
        threads: int | None = None,
        cwd: str | Path | None = None,
    ) -> None:
        environment = dict(os.environ)
        if threads is not None:
            environment["OMP_NUM_THREADS"] = str(threads)
        # a session of its own: Ctrl-C reaches this process alone, which then ends the other one
        self._process = subprocess.Popen(  # noqa: S603  (our own modules, without a shell)
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
            cwd=cwd,
        )

    def wait(self) -> int:
        """Wait for its end, and return the exit code; negative for the signal that ended it."""
        while True:
            try:
                return self._process.wait(_WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                continue

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


def run_to_its_end(
    command: Sequence[str],
    log: BinaryIO,
    *,
    threads: int | None = None,
    cwd: str | Path | None = None,
) -> int:
    """Run a command, and return its exit code; an exception while waiting kills it.

    Args:
        command: as for `OwnProcess`.
        log: as for `OwnProcess`.
        threads: as for `OwnProcess`.
        cwd: as for `OwnProcess`.
    """
    process: OwnProcess | None = None
    try:
        with unbroken():
            process = OwnProcess(command, log, threads=threads, cwd=cwd)
        return process.wait()
    finally:
        if process is not None:
            process.kill()


@contextmanager
def unbroken() -> Iterator[None]:
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


def end_with_parent() -> None:
    """End this process when its standard input closes: nothing is ever sent."""
    threading.Thread(target=_end_with_standard_input, daemon=True).start()


def _end_with_standard_input() -> None:
    os.read(0, 1)
    os._exit(1)


def why_it_ended(code: int) -> str:
    """Explain the exit code of a process that left no result."""
    if code >= 0:
        return f"the process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = "; the system does so when memory runs out" if name == "SIGKILL" else ""
    return f"the process was ended by {name}{hint}"
