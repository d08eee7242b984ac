"""Workers on this machine: processes that are told stripes, and tell what they did."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from munjang.errors import DataError
from munjang.many_files.messages import (
    BEGIN,
    BUG,
    DONE,
    ERROR,
    READY,
    Message,
    make_error,
    read_message,
    write_message,
)
from munjang.many_files.plan import Plan
from munjang.many_files.stripes import Stripe
from munjang.own_process import unbroken, why_it_ended

_MODULE = "munjang.many_files.worker"
# Each worker has one thread: as many processes as cores need no more.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


class Worker:
    """A process that works on stripes.

    Attributes:
        stripe: the stripe that it works on; None while it has none.
        part: number of the part that it writes.
    """

    def __init__(self) -> None:
        variables = dict.fromkeys(_ONE_THREAD, "1")
        # a session of its own: Ctrl-C reaches the command alone, which then ends its workers
        self.process = subprocess.Popen(  # noqa: S603  (our own module, without a shell)
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **variables},
        )
        self.stripe: Stripe | None = None
        self.part: int | None = None

    def send(self, message: Message) -> None:
        """Send a message; a process that has ended is noticed when it is read from."""
        try:
            write_message(self._pipe(self.process.stdin), message)
        except BrokenPipeError:
            return

    def read_into(self, replies: "queue.SimpleQueue[tuple[Worker, Message | None]]") -> None:
        """Hand on what the process says; None at its end."""
        while True:
            message = read_message(self._pipe(self.process.stdout))
            replies.put((self, message))
            if message is None:
                return

    def _pipe(self, stream: object) -> BinaryIO:
        assert stream is not None
        return stream  # type: ignore[return-value]

    def kill(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self._pipe(self.process.stdin).close()


class Pool:
    """Some workers.

    Args:
        plan: what is asked.
        out: folder of all answers.
        workers: number of processes.
    """

    def __init__(self, plan: Plan, out: Path, workers: int) -> None:
        self._plan = plan
        self._first = {"plan": plan.to_json(), "out": str(out.absolute())}
        self._count = workers
        self._workers: list[Worker] = []
        self._replies: queue.SimpleQueue[tuple[Worker, Message | None]] = queue.SimpleQueue()

    def start(self) -> None:
        """Start the processes, and wait until one has loaded the model.

        Raises:
            MunjangError: the model cannot be loaded, or an option does not fit it.
        """
        for _ in range(self._count):
            with unbroken():
                worker = Worker()
                self._workers.append(worker)
            threading.Thread(target=worker.read_into, args=(self._replies,), daemon=True).start()
            worker.send(self._first)
        worker, message = self._next()
        assert READY in message
        self._replies.put((worker, message))

    def run(self, stripes: Sequence[Stripe]) -> Iterator[tuple[Stripe, Message]]:
        """Work on stripes in their order, and yield what is said about them.

        Raises:
            MunjangError: a file or a row cannot be used, or a worker was ended.
            OSError: a part cannot be written.
        """
        waiting = list(reversed(stripes))
        open_stripes = len(waiting)
        while open_stripes:
            worker, message = self._next()
            if READY in message or DONE in message:
                done, worker.stripe, worker.part = worker.stripe, None, None
                if waiting:
                    worker.stripe = waiting.pop()
                    worker.send(asdict(worker.stripe))
                if done is not None:
                    open_stripes -= 1
                    yield done, message
                continue
            assert worker.stripe is not None
            worker.part = message.get(BEGIN, worker.part)
            yield worker.stripe, message

    def _next(self) -> tuple[Worker, Message]:
        """Return the next message that is no error.

        Raises:
            MunjangError, OSError: an error of a worker.
            RuntimeError: a bug, with the traceback of the worker.
        """
        worker, message = self._replies.get()
        if message is None:
            raise self._ended(worker)
        if ERROR in message:
            raise make_error(message)
        if BUG in message:
            raise RuntimeError(f"in a worker: {message[BUG]}")
        return worker, message

    def _ended(self, worker: Worker) -> DataError:
        """Return the error about a worker that was ended from outside."""
        reason = why_it_ended(worker.process.wait())
        hint = "fewer --workers need less memory" if "memory" in reason else "see above"
        if worker.stripe is None:
            return DataError(f"a worker was lost while it loaded the model: {reason}; {hint}")
        file = self._plan.inputs[worker.stripe.file].shown
        part = "" if worker.part is None else f", part {worker.part:,}"
        return DataError(f"a worker was lost: {reason}; {hint}", file=f"{file}{part}")

    def end(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.kill()


@contextmanager
def open_pool(plan: Plan, out: Path, workers: int) -> Iterator[Pool]:
    """Yield workers that have begun to load the model, and end them after the block.

    Raises:
        MunjangError: the model cannot be loaded, or an option does not fit it.
    """
    pool = Pool(plan, out, workers)
    try:
        pool.start()
        yield pool
    finally:
        pool.end()
