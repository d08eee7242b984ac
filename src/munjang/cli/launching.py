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
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from munjang.cli.outcome import FAILED, MISTAKE
from munjang.cli.output import note, to_one_line
from munjang.errors import ConfigError, MunjangError
from munjang.stopping import ENDED_BY_SIGNAL, exit_code

if TYPE_CHECKING:
    from munjang.training.workers import Workers

# The file in which the workers meet; as in `munjang.training.workers.joining`, which needs torch.
MEETING = "MUNJANG_MEETING"
# Exit code of a worker that lost the others; the one that ended first is at fault.
LOST = 75
_REGULAR = {0, ENDED_BY_SIGNAL + signal.SIGINT, ENDED_BY_SIGNAL + signal.SIGTERM}
# Seconds between two looks at the processes, and until what is asked to end is made to.
_PAUSE, _PATIENCE = 0.05, 5.0
# Seconds that a worker without its parent takes to write a checkpoint.
_LAST_SECONDS = 10.0
# Libraries that compute on threads of their own, and where each reads how many.
_THREADS = ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
# Network interface of this machine alone, by platform.
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}


def is_worker() -> bool:
    """Return whether this process is one of several workers already."""
    return "RANK" in os.environ and (MEETING in os.environ or "MASTER_ADDR" in os.environ)


@contextmanager
def join(count: int | None, describe_resuming: Callable[[], str]) -> Iterator["Workers"]:
    """Join the workers that the environment describes; those that do not lead end silently.

    Args:
        count: number of workers that the user named.
        describe_resuming: returns how the training is continued.

    Raises:
        MunjangError: a worker has failed, or is another one than `count` says.
    """
    from munjang.training.workers.collectives import WorkerLostError
    from munjang.training.workers.joining import join_workers

    if MEETING in os.environ:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    with join_workers() as workers:
        if count not in (None, workers.count):
            raise ConfigError(
                f"--workers: {workers.count} workers were started, and it says {count}; omit it"
            )
        try:
            yield workers
        except WorkerLostError as error:
            if MEETING in os.environ or not workers.leads:
                raise SystemExit(LOST) from None
            raise ConfigError(f"{error}; {describe_resuming()}") from None
        except MunjangError as error:
            if workers.leads:
                raise
            with suppress(MunjangError):
                workers.announce_failure(str(error))
            raise SystemExit(MISTAKE) from None
        except KeyboardInterrupt as stop:
            if workers.leads:
                raise
            raise SystemExit(exit_code(stop)) from None


def _end_with_parent() -> None:
    """Wait until the parent has ended; then checkpoint and end, as at SIGTERM."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST_SECONDS)
    os._exit(ENDED_BY_SIGNAL + signal.SIGTERM)


def launch(count: int, describe_resuming: Callable[[], str]) -> int:
    """Start this command as `count` workers, and return the exit code of the one that leads.

    Args:
        count: number of workers, two or more.
        describe_resuming: returns how the training is continued, after a worker has died.
    """
    available = _cores()
    if count > available:
        note(f"munjang: {count} workers on {available} cores: they wait for each other")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="munjang-workers-"))
        workers = [
            stack.enter_context(_started(rank, count, Path(folder) / "meeting", available))
            for rank in range(count)
        ]
        stack.callback(_end, workers)
        with _Forwarding(workers) as forwarding:
            first = _watch(workers, forwarding)
    leader = workers[0].code
    if first is None or (leader not in (None, LOST) and leader >= 0 and first.rank):
        return leader or 0
    if first.rank == 0 and leader is not None and leader > 0 and leader != LOST:
        return leader  # it has said why
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


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fewer(given: str | None, threads: int) -> str:
    """Return the number of threads of a worker; what the user set for one process is the most."""
    return str(min(int(given), threads) if given and given.isdecimal() else threads)


class _Forwarding:
    """Passes Ctrl-C and SIGTERM on to the workers while the block runs."""

    def __init__(self, workers: Sequence[_Worker]) -> None:
        self.workers = workers
        self.interrupts = 0
        self.is_impatient_since: float | None = None

    def __enter__(self) -> "_Forwarding":
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._forward) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _forward(self, number: int, _: object) -> None:
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
    while any(worker.code is None for worker in workers):
        time.sleep(_PAUSE)
        ended = [w for w in workers if w.code is not None and w.code not in _REGULAR]
        if ended and since is None:
            since = time.monotonic()
        # one that was only cut off is not at fault
        at_fault = [w for w in ended if w.code != LOST]
        failed = failed or next(iter(at_fault), None)
        waited = max(
            time.monotonic() - moment
            for moment in (since, forwarding.is_impatient_since, time.monotonic())
            if moment is not None
        )
        if waited > 2 * _PATIENCE:
            _send(workers, signal.SIGKILL)
        elif waited > _PATIENCE:
            _send(workers, signal.SIGTERM)
    ended = [w for w in workers if w.code not in _REGULAR]
    return failed or next((w for w in ended if w.code != LOST), next(iter(ended), None))


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
