"""Load on a server of HTTP: closed loop (each connection asks when it was answered) and open loop
(requests come at fixed times, whether the server keeps up or not, so that waiting is counted).

The client is one thread without an event loop of asyncio: on the machine that it measures it must
take little. What it delays itself is counted apart."""

import gc
import json
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from munjang.processes import allow_open_files

CONNECTIONS = 512


@dataclass(frozen=True)
class Answer:
    """Response to one request.

    Attributes:
        number: of the request.
        status: status of HTTP; 0 if the connection broke.
        body: bytes.
        seconds: from when it was due to when it was answered.
        since_sent: from when it was sent; less than `seconds` by the lateness of this client.
        unread: most seconds of `since_sent` for which the response may have waited for this client.
        ended: when, in seconds since the start.
    """

    number: int
    status: int
    body: bytes
    seconds: float
    since_sent: float
    unread: float
    ended: float


@dataclass
class Load:
    """Answers of a run.

    Attributes:
        answers: in order of arrival.
        seconds: length of the run.
        busy: share of that time in which this client did not wait for the server.
    """

    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0
    busy: float = 0.0

    def count(self, status: int) -> int:
        return sum(answer.status == status for answer in self.answers)

    def rate(self) -> float:
        """Good answers per second."""
        return self.count(200) / self.seconds

    def percentile(self, share: float, status: int = 200, since: str = "seconds") -> float:
        """Milliseconds within which this share was answered, since it was due, or `since_sent`."""
        times = [getattr(answer, since) for answer in self.answers if answer.status == status]
        return 1000 * float(np.percentile(times, share)) if times else float("nan")


class _Connection:
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.number, self.due, self.sent = 0, 0.0, 0.0
        self.open()

    def open(self) -> None:
        self._received = b""
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, number: int, request: bytes, due: float) -> None:
        self.number, self.due = number, due
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> tuple[int, bytes, bool] | None:
        """Return status, body, and whether the connection stays open; None if more must come."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            return 0, b"", False
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        head = head.lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return None
        self._received = b""
        return int(head[9:12]), rest[:length], b"connection: close" not in head


class _Client:
    """Connections that are opened before the clock starts, and what they are asked.

    Args:
        port: of the server.
        requests: are sent one after another, again from the first one at their end.
        connections: number of connections; what is due while all wait for the server is sent late.
    """

    def __init__(self, port: int, requests: Sequence[bytes], connections: int) -> None:
        allow_open_files(connections + 64)
        self._requests = requests
        self._poll = select.epoll()
        self._open: dict[int, _Connection] = {}
        self._free: deque[_Connection] = deque()
        self._is_waiting = 0.0  # seconds of waiting for the server
        for _ in range(connections):
            self._register(_Connection(port))

    def _register(self, connection: _Connection) -> None:
        self._open[connection.socket.fileno()] = connection
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)
        self._free.append(connection)

    def run(self, *, count: float, rate: float | None, seconds: float | None) -> Load:
        """Ask, and return the answers when all are there.

        Args:
            count: most requests.
            rate: requests per second; None: each connection asks when it was answered.
            seconds: no request is sent after them; None: all are sent.
        """
        load, sent = Load(), 0
        start = turn = time.perf_counter()
        while True:
            now = time.perf_counter()
            has_more = sent < count and (seconds is None or now - start <= seconds)
            while has_more and self._free:
                due = now if rate is None else start + sent / rate
                if due > now:
                    break
                number = sent % len(self._requests)
                self._free.popleft().send(number, self._requests[number], due)
                sent += 1
                has_more = sent < count
            if not has_more and len(self._free) == len(self._open):
                break
            wait = None
            if has_more and self._free and rate is not None:
                wait = max(0.0, start + sent / rate - time.perf_counter())
            turn = self._read(load, start, wait, turn)
        load.seconds = time.perf_counter() - start
        load.busy = 1 - self._is_waiting / load.seconds
        for connection in self._open.values():
            connection.socket.close()
        self._poll.close()
        return load

    def _read(self, load: Load, start: float, wait: float | None, turn: float) -> float:
        """Read what has come, and return when that began.

        Args:
            load: takes the answers.
            start: of the run.
            wait: seconds to wait if there is nothing yet.
            turn: when it was read before.
        """
        before = time.perf_counter()
        # epoll waits for whole milliseconds; not to wait at all would fill a core
        events = self._poll.poll(None if wait is None else max(wait, 0.001))
        began = time.perf_counter()
        self._is_waiting += began - before
        for place, _ in events:
            connection = self._open[place]
            result = connection.read()
            if result is None:
                continue
            status, body, stays = result
            now = time.perf_counter()
            since_sent = now - connection.sent
            # it was not there at the last poll, and may have come just after it
            unread = min(since_sent, (now - began) + (before - turn))
            answer = Answer(
                connection.number,
                status,
                body,
                now - connection.due,
                since_sent,
                unread,
                now - start,
            )
            load.answers.append(answer)
            if stays:
                self._free.append(connection)
            else:
                del self._open[place]
                connection.socket.close()
                connection.open()
                self._register(connection)
        return began


def make_request(path: str, body: Any) -> bytes:
    content = json.dumps(body, ensure_ascii=False).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def run_closed(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float | None = None
) -> Load:
    """Ask with so many connections, all requests once, or again and again for some seconds."""
    count = len(requests) if seconds is None else float("inf")
    return _run(port, requests, connections, count, None, seconds)


def run_open(
    port: int,
    requests: Sequence[bytes],
    *,
    rate: float,
    seconds: float,
    connections: int = CONNECTIONS,
) -> Load:
    """Ask at a fixed rate, in requests per second, as long as a connection is free."""
    return _run(port, requests, connections, int(rate * seconds), rate, 2 * seconds)


def _run(
    port: int,
    requests: Sequence[bytes],
    connections: int,
    count: float,
    rate: float | None,
    seconds: float | None,
) -> Load:
    gc.collect()
    gc.disable()  # a collection over all answers would delay the next requests
    try:
        return _Client(port, requests, connections).run(count=count, rate=rate, seconds=seconds)
    finally:
        gc.enable()
