"""Jobs: what one request asks of the engine."""

import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Work(Hashable, Protocol):
    """Function of the texts of a job. Jobs of equal work may share a batch."""

    @property
    def is_shared(self) -> bool:
        """True if jobs of this work may share a batch."""

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return a result per value."""


@dataclass(eq=False)
class Job:
    """Texts of one request that wait for the engine.

    Attributes:
        work: what is done with them.
        values: one per text.
        longest: estimated tokens of the longest text.
        tokens: estimated tokens of all texts.
        deliver: called in the engine's thread with the results, or with an error.
        arrival: when the job was made, in seconds of `time.monotonic`.
        latest_start: when it is refused if it has not begun, in the same seconds.
        is_cancelled: set when nobody waits for the results any more.
    """

    work: Work
    values: Sequence[Any]
    longest: int
    tokens: int
    deliver: Callable[["Job", Sequence[Any] | Exception], object]
    arrival: float = field(default_factory=time.monotonic)
    latest_start: float = math.inf
    is_cancelled: bool = False


class JobQueue:
    """Jobs in order of arrival. It is not safe for threads by itself: the engine has the lock."""

    # waiting jobs that are looked through for one batch
    _LOOKED_AT = 256

    def __init__(self, batch_tokens: int, batch_texts: int) -> None:
        self._batch_tokens = batch_tokens
        self._batch_texts = batch_texts
        self._jobs: dict[int, Job] = {}  # in order of arrival, by identity
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """Add a job at the end."""
        self._jobs[id(job)] = job
        self.tokens += job.tokens

    def clear(self) -> list[Job]:
        """Remove and return all jobs."""
        jobs = list(self._jobs.values())
        self._jobs.clear()
        self.tokens = 0
        return jobs

    def take_late(self, now: float) -> list[Job]:
        """Remove and return jobs at the front that are cancelled or past their latest start."""
        late: list[Job] = []
        for job in self._jobs.values():
            if not (job.is_cancelled or job.latest_start < now):
                break
            late.append(job)
        self._remove(late)
        return late

    def take_batch(self) -> list[Job]:
        """Remove and return the oldest job, and later ones that fit into its batch.

        They are of the same work and of like length: at most twice as long, at least half as long,
        so that padding stays small. A job larger than a whole batch comes alone.
        """
        jobs = iter(self._jobs.values())
        oldest = next(jobs, None)
        if oldest is None:
            return []
        batch, texts, longest = [oldest], len(oldest.values), oldest.longest
        if oldest.work.is_shared:
            low, high = oldest.longest // 2, 2 * oldest.longest + 16
            for _, job in zip(range(self._LOOKED_AT), jobs, strict=False):
                together, time_ = texts + len(job.values), max(longest, job.longest)
                if together > self._batch_texts:
                    break
                is_alike = low <= job.longest <= high and job.work == oldest.work
                if is_alike and together * time_ <= self._batch_tokens and not job.is_cancelled:
                    batch.append(job)
                    texts, longest = together, time_
        self._remove(batch)
        return batch

    def _remove(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            del self._jobs[id(job)]
            self.tokens -= job.tokens
