"""The engine: answers, errors, waiting, stopping."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from munjang.errors import DataError
from munjang.serving.engine import Engine
from munjang.serving.jobs import Job
from munjang.serving.limits import Limits
from munjang.serving.metrics import Metrics
from munjang.serving.request_errors import RequestError


@dataclass(eq=False)
class Doubling:
    """Doubles numbers, refuses 13, and waits for `gate`."""

    is_shared: bool = True
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[list[Any]] = field(default_factory=list)

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        self.gate.wait(60)
        self.batches.append(list(values))
        if 13 in values:
            raise DataError("13 cannot be doubled")
        return [2 * value for value in values]


@dataclass
class Results:
    """Collects what is delivered."""

    found: dict[int, Any] = field(default_factory=dict)

    def deliver(self, job: Job, results: Any) -> None:
        self.found[job.values[0]] = results

    def wait(self, count: int) -> dict[int, Any]:
        until = time.monotonic() + 60
        while len(self.found) < count and time.monotonic() < until:
            time.sleep(0.001)
        return self.found


@pytest.fixture
def start() -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def make(**limits: Any) -> Engine:
        engines.append(Engine(Limits(**limits), Metrics()))
        engines[-1].start()
        return engines[-1]

    yield make
    for engine in engines:
        engine.stop()


def make_job(work: Doubling, value: int, results: Results, tokens: int = 5) -> Job:
    return Job(work, [value], tokens, tokens, results.deliver)


def test_jobs_that_wait_share_a_batch(start: Callable[..., Engine]) -> None:
    engine, work, results = start(), Doubling(), Results()
    for value in range(10):
        engine.submit(make_job(work, value, results))
    work.gate.set()
    assert results.wait(10) == {value: [2 * value] for value in range(10)}
    assert len(work.batches) < 10


def test_error_of_one_text_is_that_of_its_request_alone(start: Callable[..., Engine]) -> None:
    engine, work, results = start(), Doubling(), Results()
    for value in (1, 13, 2):
        engine.submit(make_job(work, value, results))
    work.gate.set()
    found = results.wait(3)
    assert (found[1], found[2]) == ([2], [4])
    assert isinstance(found[13], DataError)


def test_full_queue_refuses_at_once(start: Callable[..., Engine]) -> None:
    engine, work, results = start(queue_tokens=12), Doubling(), Results()
    engine.submit(make_job(work, 0, results))
    while engine.queued_tokens:
        time.sleep(0.001)  # the first one is in the engine
    engine.submit(make_job(work, 1, results))
    engine.submit(make_job(work, 2, results))
    with pytest.raises(RequestError) as raised:
        engine.submit(make_job(work, 3, results))
    assert raised.value.status == 503
    assert int(raised.value.headers["Retry-After"]) >= 1
    work.gate.set()
    assert set(results.wait(3)) == {0, 1, 2}


def test_refusals_before_the_body_leave_connections_free(start: Callable[..., Engine]) -> None:
    engine, work, results = start(connections=4), Doubling(), Results()
    engine.submit(make_job(work, 0, results))
    while engine.queued_tokens:
        time.sleep(0.001)  # the first one is in the engine
    for value in (1, 2, 3):
        assert engine.find_overload() is None
        engine.submit(make_job(work, value, results))
    assert engine.find_overload() == "requests"
    error = engine.describe_overload("requests")
    assert (error.status, error.kind) == (503, "overloaded")
    assert "3 requests wait" in error.message
    work.gate.set()
    assert set(results.wait(4)) == {0, 1, 2, 3}


def test_job_is_refused_after_twice_the_deadline(start: Callable[..., Engine]) -> None:
    engine, work, results = start(deadline_seconds=1000), Doubling(), Results()
    engine.submit(make_job(work, 0, results))
    while engine.queued_tokens:
        time.sleep(0.001)
    for value, waited in ((1, 2001.0), (2, 1800.0)):
        job = make_job(work, value, results)
        job.arrival -= waited
        engine.submit(job)
    work.gate.set()
    found = results.wait(3)
    assert (found[0], found[2]) == ([0], [4])
    assert isinstance(found[1], RequestError)
    assert found[1].kind == "overloaded"


def test_admitted_job_is_refused_only_if_the_wait_has_become_far_longer(
    start: Callable[..., Engine],
) -> None:
    limits = Limits(deadline_seconds=3600, queue_tokens=2**40, connections=2**20)
    engine, work, results = start(**limits.model_dump()), Doubling(), Results()
    work.gate.set()
    engine.submit(make_job(work, 0, results))
    results.wait(1)
    work.gate.clear()
    engine.submit(make_job(work, 1, results))
    while engine.queued_tokens:
        time.sleep(0.001)  # it is in the engine
    engine.submit(make_job(work, 2, results, tokens=1000))
    per_token = engine.seconds_of_queue / 1000
    engine.submit(make_job(work, 3, results, tokens=int(2000 / per_token)))
    assert engine.find_overload() is None
    assert engine.find_overload(ahead=10) == "deadline"  # they will stand in the queue, too
    engine.submit(make_job(work, 4, results, tokens=int(2000 / per_token)))
    assert engine.find_overload() == "deadline"
    with pytest.raises(RequestError, match="too long for the deadline"):
        engine.submit(make_job(work, 5, results))
    engine.submit(make_job(work, 6, results, tokens=int(4000 / per_token)), is_admitted=True)
    with pytest.raises(RequestError, match="too long for the deadline"):
        engine.submit(make_job(work, 7, results), is_admitted=True)
    work.gate.set()
    assert set(results.wait(6)) == {0, 1, 2, 3, 4, 6}


def test_cancelled_job_is_not_answered(start: Callable[..., Engine]) -> None:
    engine, work, results = start(), Doubling(), Results()
    engine.submit(make_job(work, 0, results))
    while engine.queued_tokens:
        time.sleep(0.001)
    job = make_job(work, 1, results)
    engine.submit(job)
    job.is_cancelled = True
    engine.submit(make_job(work, 2, results))
    work.gate.set()
    assert set(results.wait(2)) == {0, 2}
    assert [value for batch in work.batches for value in batch] == [0, 2]


def test_stop_answers_what_was_accepted_and_refuses_the_rest() -> None:
    engine = Engine(Limits(), Metrics())
    engine.start()
    work, results = Doubling(), Results()
    for value in range(20):
        engine.submit(make_job(work, value, results))
    stopper = threading.Thread(target=engine.stop)
    stopper.start()
    time.sleep(0.01)
    with pytest.raises(RequestError, match="stopping"):
        engine.submit(make_job(work, 99, results))
    work.gate.set()
    stopper.join(60)
    assert len(results.found) == 20
