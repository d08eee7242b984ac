"""The queue of jobs: who shares a batch with whom."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from munjang.serving.jobs import Job, JobQueue


@dataclass(frozen=True)
class Echo:
    name: str = "echo"
    is_shared: bool = True

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        return values


def make_job(longest: int, count: int = 1, work: Echo | None = None, seconds: float = 60) -> Job:
    return Job(
        work=Echo() if work is None else work,
        values=["x"] * count,
        longest=longest,
        tokens=longest * count,
        deliver=lambda job, results: None,
        latest_start=time.monotonic() + seconds,
    )


def fill(*jobs: Job, tokens: int = 100, texts: int = 8) -> JobQueue:
    queue = JobQueue(tokens, texts)
    for job in jobs:
        queue.add(job)
    return queue


def test_oldest_job_is_in_every_batch_and_its_like_join() -> None:
    jobs = [make_job(10), make_job(300), make_job(12), make_job(9)]
    queue = fill(*jobs)
    assert queue.take_batch() == [jobs[0], jobs[2], jobs[3]]
    assert queue.take_batch() == [jobs[1]]
    assert queue.take_batch() == []
    assert queue.tokens == 0


def test_job_larger_than_a_batch_comes_alone() -> None:
    jobs = [make_job(5000), make_job(4000)]
    assert fill(*jobs).take_batch() == [jobs[0]]


def test_padding_counts_to_the_budget() -> None:
    jobs = [make_job(20) for _ in range(6)]
    assert len(fill(*jobs, tokens=100).take_batch()) == 5


def test_other_work_waits_and_work_that_is_not_shared_is_alone() -> None:
    alone = Echo("alone", is_shared=False)
    jobs = [make_job(5), make_job(5, work=Echo("other")), make_job(5)]
    assert fill(*jobs).take_batch() == [jobs[0], jobs[2]]
    assert len(fill(*(make_job(5, work=alone) for _ in range(3))).take_batch()) == 1


def test_cancelled_and_late_jobs_are_dropped() -> None:
    late, cancelled, good = make_job(5, seconds=-1), make_job(5), make_job(5)
    cancelled.is_cancelled = True
    queue = fill(late, cancelled, good)
    assert queue.take_late(time.monotonic()) == [late, cancelled]
    assert queue.take_batch() == [good]
    assert queue.tokens == 0


def test_cancelled_job_between_others_takes_no_room() -> None:
    first, cancelled, last = (make_job(5) for _ in range(3))
    cancelled.is_cancelled = True
    queue = fill(first, cancelled, last)
    assert queue.take_batch() == [first, last]
    assert queue.take_late(time.monotonic()) == [cancelled]


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 9)), min_size=1, max_size=60),
    st.integers(1, 500),
    st.integers(1, 12),
)
def test_each_job_comes_once_within_the_budget(
    sizes: list[tuple[int, int]], tokens: int, texts: int
) -> None:
    jobs = [make_job(longest, count) for longest, count in sizes]
    queue = fill(*jobs, tokens=tokens, texts=texts)
    seen: list[Job] = []
    while batch := queue.take_batch():
        left = [job for job in jobs if job not in seen]
        assert batch[0] is left[0]
        if len(batch) > 1:
            count = sum(len(job.values) for job in batch)
            assert count <= texts
            assert count * max(job.longest for job in batch) <= tokens
        seen += batch
    assert sorted(map(id, seen)) == sorted(map(id, jobs))
    assert queue.tokens == 0
