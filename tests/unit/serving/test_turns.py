"""What the event loop does a few at a time: requests that begin, and results that are delivered."""

import asyncio
import threading
from typing import Any

from munjang.serving.deliveries import Deliveries
from munjang.serving.limits import Limits
from munjang.serving.models import ModelStore
from munjang.serving.service import Service
from munjang.serving.starts import Starts


def test_few_requests_begin_per_turn_and_in_order() -> None:
    async def run() -> None:
        starts, begun = Starts(), list[int]()
        for number in range(30):
            starts.add(lambda number=number: begun.append(number))  # type: ignore[misc]
        counts = []
        while True:
            counts.append(len(begun))
            if not len(starts):
                break
            assert starts.seconds >= 0
            await asyncio.sleep(0)
        assert begun == list(range(30))
        assert counts == [4, 8, 12, 16, 20, 24, 28, 30]
        assert starts.seconds == 0
        await asyncio.sleep(0)
        starts.add(lambda: begun.append(30))
        assert begun[-1] == 30  # at once again

    asyncio.run(run())


def test_requests_that_have_not_begun_count_to_the_load() -> None:
    async def run() -> None:
        service = Service(ModelStore([]), Limits(connections=40))
        for _ in range(33):
            assert service.find_overload() is None
            service.starts.add(lambda: None)
        while len(service.starts) < 30:
            service.starts.add(lambda: None)
        assert service.find_overload() == "requests"
        assert "30 requests wait" in service.describe_overload("requests").message
        for _ in range(10):
            await asyncio.sleep(0)
        assert service.find_overload() is None

    asyncio.run(run())


def test_requests_that_wait_long_to_begin_are_an_overload() -> None:
    async def run() -> None:
        service = Service(ModelStore([]), Limits(deadline_seconds=0.02))
        for _ in range(9):
            service.starts.add(lambda: None)
        assert service.find_overload() is None
        for _ in range(3):
            await asyncio.sleep(0)
        for _ in range(9):
            service.starts.add(lambda: None)
        threading.Event().wait(0.05)  # the loop is held up
        assert service.find_overload() == "deadline"

    asyncio.run(run())


def test_results_of_a_batch_come_in_order_and_wake_the_loop_once() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        deliveries, woken = Deliveries(loop), list[Any]()
        wake = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *call: woken.append(call) or wake(*call)  # type: ignore[method-assign, assignment, func-returns-value]
        futures = [deliveries.create_future() for _ in range(20)]
        order: list[int] = []
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, number=number: order.append(number))  # type: ignore[misc]
        futures[3].cancel()

        def deliver() -> None:
            for number, future in enumerate(futures):
                error = ValueError("broken") if number == 5 else None
                deliveries.add(future, error or [number])

        thread = threading.Thread(target=deliver)
        thread.start()
        thread.join()
        found = await asyncio.gather(*futures, return_exceptions=True)
        assert len(woken) == 1
        assert order == [3, *(number for number in range(20) if number != 3)]
        assert [result for result in found if isinstance(result, list)] == [
            [number] for number in range(20) if number not in (3, 5)
        ]
        assert isinstance(found[3], asyncio.CancelledError)
        assert isinstance(found[5], ValueError)
        deliveries.add(last := deliveries.create_future(), [99])
        assert await last == [99]

    asyncio.run(run())
