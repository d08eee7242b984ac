"""`--workers N`: the processes of one training on this machine, started and watched.

The command starts itself N times. Each process finds its place in the environment, as under
torchrun (`munjang.training.workers.joining`), and this one only watches: it passes Ctrl-C and
SIGTERM on, ends the others when one has died, and says which. The standard input of each process is
a pipe from this one, so that none outlives it, however it ends.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from munjang.cli.joining import LOST, MEETING
from munjang.cli.outcome import FAILED
from munjang.cli.output import note, to_one_line
from munjang.processes import check_process_count, count_cores
from munjang.reporting import pluralize
from munjang.stopping import ENDED_BY_SIGNAL

_STOPS = (signal.SIGINT, signal.SIGTERM)
# Exit codes of a worker that is done, or was stopped; negative before or after its own handlers.
_REGULAR = {0, *(ENDED_BY_SIGNAL + number for number in _STOPS), *(-number for number in _STOPS)}
# Seconds between two looks at the processes, and until what is asked to end is made to.
_PAUSE, _PATIENCE = 0.05, 5.0
# Libraries that compute on threads of their own, and where each reads how many.
_THREADS = ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
# Network interface of this machine alone, by platform.
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}


def launch(count: int, describe_resuming: Callable[[], str]) -> int:
    """Start this command as `count` workers, and return the exit code of the one that leads.

    Args:
        count: number of workers, two or more.
        describe_resuming: returns how the training is continued, after a worker has died.

    Raises:
        ConfigError: the machine cannot bear so many.
    """
    check_process_count("--workers", count)
    available = count_cores()
    if count > available:
        cores = pluralize(available, "core")
        note(f"munjang: {count} workers on {cores}: they wait for each other")
    workers: list[_Worker] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="munjang-workers-"))
        stack.callback(_end, workers)
        with _Forwarding(workers) as forwarding:
            for rank in range(count):
                meeting = Path(folder) / "meeting"
                workers.append(stack.enter_context(_started(rank, count, meeting, available)))
                if forwarding.is_used:
                    break
            first = _watch(workers, forwarding)
    code = workers[0].code or 0
    if -code in _STOPS:
        code = ENDED_BY_SIGNAL - code
    has_said_why = code > 0 and code not in {*_REGULAR, LOST}
    if first is None or code == 0 or has_said_why:
        return code
    note(f"munjang: worker {first.rank} of {count} {first.end()}; {describe_resuming()}")
    return FAILED


@dataclass(frozen=True)
class _Worker:
    """A started worker.

    Attributes:
        rank: its number.
        process: its process.
        errors: its standard error; None for the leader, whose standard error is this process's.
    """

    rank: int
    process: subprocess.Popen[bytes]
    errors: IO[bytes] | None

    @property
    def code(self) -> int | None:
        """Exit code, or the negative number of the signal that killed it; None while it runs."""
        return self.process.poll()

    def end(self) -> str:
        """Return how it ended, for people."""
        code = self.code or 0
        if code < 0:
            name = signal.Signals(-code).name
            reason = ": by hand, or for lack of memory" if -code == signal.SIGKILL else ""
            return f"(process {self.process.pid}) was killed ({name}{reason})"
        lines: list[str] = []
        if self.errors is not None:
            self.errors.seek(0)
            lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        last = f": {to_one_line(lines[-1])}" if lines else ""
        return f"(process {self.process.pid}) ended with exit code {code}{last}"


@contextmanager
def _started(rank: int, count: int, meeting: Path, available: int) -> Iterator[_Worker]:
    """Start a worker; its pipe is closed with the block."""
    threads = max(1, available // count)
    environment = {
        **os.environ,
        **{name: _fewer(os.environ.get(name), threads) for name in _THREADS},
        "RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": str(count),
        MEETING: str(meeting),
    }
    if sys.platform in _LOOPBACK:
        environment.setdefault("GLOO_SOCKET_IFNAME", _LOOPBACK[sys.platform])
    with ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile()) if rank else None
        process = subprocess.Popen(  # noqa: S603  (what the user typed, without a shell)
            [sys.executable, "-m", "munjang", *sys.argv[1:]],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if rank else None,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches it through this process, and once
        )
        assert process.stdin is not None
        stack.enter_context(suppress(OSError))
        stack.enter_context(process.stdin)
        yield _Worker(rank, process, errors)


def _fewer(given: str | None, threads: int) -> str:
    """Return the number of threads of a worker; what the user set for one process is the most."""
    return str(min(int(given), threads) if given and given.isdecimal() else threads)


class _Forwarding:
    """Passes Ctrl-C and SIGTERM on to the workers while the block runs."""

    def __init__(self, workers: Sequence[_Worker]) -> None:
        self.workers = workers
        self.interrupts = 0
        self.is_used = False
        self.is_impatient_since: float | None = None

    def __enter__(self) -> "_Forwarding":
        self._before = {number: signal.signal(number, self._forward) for number in _STOPS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop(self) -> None:
        """Stop all workers, as SIGTERM to this process does."""
        self._forward(signal.SIGTERM, None)

    def _forward(self, number: int, _: object) -> None:
        self.is_used = True
        if number == signal.SIGINT:
            self.interrupts += 1
        if self.interrupts > 1:
            self.is_impatient_since = time.monotonic()
        _send(self.workers, number)


def _watch(workers: Sequence[_Worker], forwarding: _Forwarding) -> _Worker | None:
    """Wait for the end of all workers; return the first that failed.

    Once one has failed, the others notice by themselves, or are made to end.
    """
    failed: _Worker | None = None
    since: float | None = None
    while True:
        codes = [worker.code for worker in workers]
        ended = [
            worker
            for worker, code in zip(workers, codes, strict=True)
            if code is not None and code not in _REGULAR
        ]
        # one that was only cut off is not at fault
        failed = failed or next((worker for worker in ended if worker.code != LOST), None)
        if None not in codes:
            return failed or next(iter(ended), None)
        if ended and since is None:
            since = time.monotonic()
        if not (ended or forwarding.is_used) and any(codes):
            forwarding.stop()  # one was stopped by itself, and the others may not know yet
        if workers[0] in ended:
            _send(workers, signal.SIGKILL)  # the others write nothing
        moments = [m for m in (since, forwarding.is_impatient_since) if m is not None]
        waited = time.monotonic() - min(moments) if moments else 0.0
        if waited > _PATIENCE:
            _send(workers, signal.SIGKILL if waited > 2 * _PATIENCE else signal.SIGTERM)
        time.sleep(_PAUSE)


def _send(workers: Sequence[_Worker], number: int) -> None:
    """Send a signal to the workers that run."""
    for worker in workers:
        if worker.code is None:
            with suppress(OSError):
                worker.process.send_signal(number)


def _end(workers: Sequence[_Worker]) -> None:
    """Kill what still runs, if this process ends by an exception."""
    _send(workers, signal.SIGKILL)
    for worker in workers:
        worker.process.wait()
