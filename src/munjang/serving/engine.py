"""The engine: one thread that runs the models; a second one is for explanations.

It takes the oldest job and those that fit into its batch as soon as it is free, and never waits for
a fuller batch. Texts that are generated together take one step between two batches.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from munjang.serving.jobs import Job, JobQueue
from munjang.serving.limits import Limits
from munjang.serving.metrics import Metrics
from munjang.serving.request_errors import RequestError, log_unexpected, overloaded
from munjang.serving.writing import Writers, WritingJob

# Share of the latest batch in the measured rate.
_LATEST = 0.2
# Share of the deadline up to which the estimated wait may grow.
_ADMITTED = 0.8
# Times the deadline that a request which was admitted may wait. A wait is longer than estimated now
# and then; a client that has waited is better served with a late answer than with a late refusal.
_LATE = 2.0
# Share of the connections whose requests may wait. The others are free for refusals and for health
# checks: a refusal on an open connection takes a fraction of the time of a new connection.
_WAITING = 0.75


class Engine:
    """The queue of jobs and the thread that answers them.

    Args:
        limits: of batches, queue and waiting time.
        metrics: counts what happens.
        name: of the thread.
    """

    def __init__(self, limits: Limits, metrics: Metrics, name: str = "engine") -> None:
        self._limits = limits
        self._metrics = metrics
        self._changed = threading.Condition()
        self._queue = JobQueue(limits.batch_tokens, limits.batch_texts)
        self._incoming: list[WritingJob] = []
        self._writers = Writers(limits.streams)
        self._rate: float | None = None  # estimated tokens per second
        self._tokens_per_job = 0.0  # estimated
        self._running: tuple[int, float] = (0, 0.0)  # tokens of the batch that runs, and its start
        self._busy_since: float | None = None  # end of the last batch if jobs waited then
        self._is_stopping = False
        self._calls: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what was accepted, and end the thread."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    @property
    def queued_tokens(self) -> int:
        """Estimated tokens of the jobs that wait."""
        return self._queue.tokens

    @property
    def seconds_of_queue(self) -> float:
        """Estimated time until the jobs that wait are answered; 0 before anything was measured."""
        if self._rate is None:
            return 0.0
        tokens, started = self._running
        left = max(0.0, tokens / self._rate - (time.monotonic() - started)) if tokens else 0.0
        return left + self._queue.tokens / self._rate

    def find_overload(self, ahead: int = 0, waited: float = 0.0) -> str | None:
        """Return the reason to refuse a request before its body is read; None if there is none.

        Args:
            ahead: requests that wait already, but not yet in this queue.
            waited: seconds for which these wait.
        """
        if len(self._queue) + ahead >= max(1, _WAITING * self._limits.connections):
            return "requests"
        return self._find_reason(0, self._estimate_wait(ahead, waited), _ADMITTED)

    def describe_overload(self, reason: str, ahead: int = 0, waited: float = 0.0) -> RequestError:
        """Return the error for a reason that `find_overload` gave, with the same arguments."""
        wait = self._estimate_wait(ahead, waited)
        if reason == "requests":
            return overloaded(f"{len(self._queue) + ahead:,} requests wait already", wait)
        return self._describe(reason, wait)

    def submit(self, job: Job, *, is_admitted: bool = False) -> None:
        """Add a job.

        Args:
            job: texts and what is done with them.
            is_admitted: the load was looked at when the request came, so that it is refused only
                if the wait has become far longer than it seemed.

        Raises:
            RequestError: the server stops, or the job would wait too long.
        """
        with self._changed:
            self._admit(job.tokens, _LATE if is_admitted else _ADMITTED)
            job.latest_start = job.arrival + _LATE * self._limits.deadline_seconds
            self._queue.add(job)
            self._tokens_per_job += _LATEST * (job.tokens - self._tokens_per_job)
            self._changed.notify()

    def submit_writing(self, job: WritingJob) -> None:
        """Add a text to generate, of a request that was admitted.

        Raises:
            RequestError: the server stops, or too many texts are generated or wait already.
        """
        with self._changed:
            self._admit(0, _LATE)
            if len(self._writers) + len(self._incoming) >= 2 * self._limits.streams:
                self._metrics.rejected("streams")
                raise overloaded(
                    f"{2 * self._limits.streams} texts are generated or wait already", 1.0
                )
            self._incoming.append(job)
            self._changed.notify()

    def call_between_batches(self, call: Callable[[], None]) -> None:
        """Call a function in the engine's thread, while no model runs."""
        with self._changed:
            self._calls.append(call)
            self._changed.notify()

    def _estimate_wait(self, ahead: int, waited: float) -> float:
        """Return the seconds until a request would be answered that comes now."""
        wait = self.seconds_of_queue + waited
        return wait if self._rate is None else wait + ahead * self._tokens_per_job / self._rate

    def _admit(self, tokens: int, share: float) -> None:
        if self._is_stopping:
            raise RequestError(503, "stopping", "the server is stopping", {"Retry-After": "1"})
        reason = self._find_reason(tokens, self.seconds_of_queue, share)
        if reason is not None:
            self._metrics.rejected(reason)
            raise self._describe(reason, self.seconds_of_queue)

    def _find_reason(self, tokens: int, wait: float, share: float) -> str | None:
        waiting = self._queue.tokens
        if waiting and waiting + tokens > self._limits.queue_tokens:
            return "queue"
        return "deadline" if wait > share * self._limits.deadline_seconds else None

    def _describe(self, reason: str, wait: float) -> RequestError:
        if reason == "queue":
            return overloaded(f"{self._queue.tokens:,} tokens wait already", wait)
        seconds = self._limits.deadline_seconds
        return overloaded(
            f"the queue is {wait:.1f} s long, too long for the deadline of {seconds:g} s",
            wait - _ADMITTED * seconds,
        )

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._has_work or self._is_stopping):
                    self._changed.wait()
                if not self._has_work:
                    return
                calls, self._calls = self._calls, []
                incoming, self._incoming = self._take_incoming()
                late = self._queue.take_late(time.monotonic())
                batch = self._queue.take_batch()
            for call in calls:
                call()
            for job in late:
                self._drop(job)
            if batch:
                self._answer(batch)
            self._write(incoming)

    @property
    def _has_work(self) -> bool:
        return bool(len(self._queue) or self._incoming or self._calls or len(self._writers))

    def _take_incoming(self) -> tuple[list[WritingJob], list[WritingJob]]:
        room = self._limits.streams - len(self._writers)
        return self._incoming[:room], self._incoming[room:]

    def _drop(self, job: Job) -> None:
        if job.is_cancelled:
            self._metrics.abandoned()
            return
        self._metrics.rejected("late")
        waited = time.monotonic() - job.arrival
        job.deliver(job, overloaded(f"waited {waited:.1f} s without being answered", waited))

    def _answer(self, batch: Sequence[Job]) -> None:
        started = time.monotonic()
        tokens = sum(job.tokens for job in batch)
        self._running = tokens, started
        if len(batch) == 1:
            self._deliver(batch[0], _results(batch[0]))
        else:
            self._answer_together(batch)
        ended = time.monotonic()
        seconds = ended - started
        self._measure(tokens, ended - (self._busy_since or started))
        self._running = 0, ended
        self._busy_since = ended if len(self._queue) else None
        self._metrics.batch(
            texts=sum(len(job.values) for job in batch),
            tokens=tokens,
            longest=max(job.longest for job in batch),
            seconds=seconds,
            waited=[started - job.arrival for job in batch],
        )

    def _measure(self, tokens: int, seconds: float) -> None:
        """Add a batch to the rate; its time is all that passed while its jobs waited."""
        rate = tokens / max(seconds, 1e-6)
        self._rate = rate if self._rate is None else _LATEST * rate + (1 - _LATEST) * self._rate

    def _answer_together(self, batch: Sequence[Job]) -> None:
        values = [value for job in batch for value in job.values]
        try:
            results = batch[0].work.run(values)
        except Exception:
            # one text may be at fault: the others are answered without it
            for job in batch:
                self._deliver(job, _results(job))
            return
        place = 0
        for job in batch:
            self._deliver(job, results[place : place + len(job.values)])
            place += len(job.values)

    def _deliver(self, job: Job, results: Sequence[Any] | Exception) -> None:
        if isinstance(results, Exception):
            log_unexpected(results)
        job.deliver(job, results)

    def _write(self, incoming: Sequence[WritingJob]) -> None:
        for job in incoming:
            if job.is_cancelled:
                self._metrics.abandoned()
                continue
            try:
                self._writers.join(job)
            except Exception as error:
                log_unexpected(error)
                job.deliver_error(error)
        if not len(self._writers):
            return
        started = time.monotonic()
        abandoned = self._writers.drop_cancelled()
        for _ in range(abandoned):
            self._metrics.abandoned()
        tokens = self._writers.step()
        self._metrics.generated(tokens, time.monotonic() - started)


def _results(job: Job) -> Sequence[Any] | Exception:
    try:
        return job.work.run(job.values)
    except Exception as error:
        return error
