"""Load on a server of HTTP: closed loop (each connection asks when it was answered) and open loop
(requests come at fixed times, whether the server keeps up or not, so that waiting is counted)."""

import asyncio
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Answer:
    """Response to one request.

    Attributes:
        number: of the request.
        status: status of HTTP; 0 if the connection broke.
        body: bytes.
        seconds: from when it was due to when it was answered.
        since_sent: from when it was sent; less than `seconds` by the lateness of this client.
        ended: when, in seconds since the start.
    """

    number: int
    status: int
    body: bytes
    seconds: float
    since_sent: float
    ended: float


@dataclass
class Load:
    """Answers of a run.

    Attributes:
        answers: in order of arrival.
        seconds: length of the run.
    """

    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, status: int) -> int:
        return sum(answer.status == status for answer in self.answers)

    def rate(self) -> float:
        """Good answers per second."""
        return self.count(200) / self.seconds

    def percentile(self, share: float, status: int = 200, since: str = "seconds") -> float:
        """Milliseconds within which this share was answered, since it was due, or `since_sent`."""
        times = [getattr(answer, since) for answer in self.answers if answer.status == status]
        return 1000 * float(np.percentile(times, share)) if times else float("nan")


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((0, b""))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._received = b""
        if b"connection: close" in head.lower():
            self.transport.close()
            self.transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((int(head[9:12]), rest[:length]))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer


class _Pool:
    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[_Connection] = []

    async def take(self) -> _Connection:
        while self._free:
            connection = self._free.pop()
            if connection.transport is not None:
                return connection
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return protocol

    def give(self, connection: _Connection) -> None:
        if connection.transport is not None:
            self._free.append(connection)


def make_request(path: str, body: Any) -> bytes:
    content = json.dumps(body, ensure_ascii=False).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _ask(pool: _Pool, number: int, request: bytes, due: float, start: float) -> Answer:
    connection = await pool.take()
    sent = time.perf_counter()
    status, body = await connection.ask(request)
    pool.give(connection)
    now = time.perf_counter()
    return Answer(number, status, body, now - due, now - sent, now - start)


def run_closed(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float | None = None
) -> Load:
    """Ask with so many connections, all requests once, or again and again for some seconds."""

    async def run() -> Load:
        pool, load, start = _Pool(port), Load(), time.perf_counter()
        numbers = iter(range(10**12))

        async def client() -> None:
            for number in numbers:
                now = time.perf_counter()
                is_late = seconds is not None and now - start > seconds
                if is_late or (seconds is None and number >= len(requests)):
                    return
                request = requests[number % len(requests)]
                load.answers.append(await _ask(pool, number % len(requests), request, now, start))

        await asyncio.gather(*(client() for _ in range(connections)))
        load.seconds = time.perf_counter() - start
        return load

    return _run(run)


def run_open(port: int, requests: Sequence[bytes], *, rate: float, seconds: float) -> Load:
    """Ask at a fixed rate, in requests per second."""

    async def run() -> Load:
        pool, load, start = _Pool(port), Load(), time.perf_counter()
        tasks = set()
        total = int(rate * seconds)
        sent = 0

        async def ask(number: int, due: float) -> None:
            request = requests[number % len(requests)]
            load.answers.append(await _ask(pool, number % len(requests), request, due, start))

        while sent < total:
            now = time.perf_counter() - start
            while sent < total and sent / rate <= now:
                task = asyncio.create_task(ask(sent, start + sent / rate))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                sent += 1
            await asyncio.sleep(max(0.0, min(0.002, start + sent / rate - time.perf_counter())))
        await asyncio.gather(*tasks)
        load.seconds = time.perf_counter() - start
        return load

    return _run(run)


def _run(run: Callable[[], Any]) -> Load:
    try:
        import uvloop
    except ImportError:
        uvloop = asyncio
    gc.collect()
    gc.disable()  # a collection over all answers would delay the next requests
    try:
        return uvloop.run(run())
    finally:
        gc.enable()
