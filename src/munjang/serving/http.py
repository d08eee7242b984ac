"""Bodies in and responses out, in terms of ASGI."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from munjang.serving.request_errors import RequestError, too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Headers = Sequence[tuple[bytes, bytes]]

JSON = b"application/json"
EVENTS = b"text/event-stream; charset=utf-8"
# Seconds between two comments of a stream in which nothing else is sent, so that it is kept open.
HEARTBEAT = 15.0

# Name of the `Exchange` under `extensions` of a scope.
EXCHANGE = "munjang.exchange"

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True)
class Reply:
    """A response.

    Attributes:
        body: its bytes, or parts of a stream.
        status: status of HTTP.
        media_type: value of Content-Type.
        headers: further headers.
    """

    body: bytes | AsyncGenerator[bytes]
    status: int = 200
    media_type: bytes = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def reply_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a response of JSON."""
    return Reply(_encoder.encode(value), status, JSON, headers or {})


def reply_error(error: RequestError) -> Reply:
    """Return the response for an error."""
    return reply_json(error.to_json(), error.status, error.headers)


def event(value: Any) -> bytes:
    """Return an event of a stream; values that are not bytes become JSON."""
    data = value if isinstance(value, bytes) else _encoder.encode(value)
    return b"data: " + data + b"\n\n"


async def read_body(receive: Receive, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: it has more than `most` bytes.
        ConnectionResetError: the client left before it was sent.
    """
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise too_large("body_too_large", f"expected a body of at most {most:,} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


class Exchange(Protocol):
    """A request and its response, as a protocol offers them that can do more than ASGI asks.

    Attributes:
        is_admitted: True if the server was not overloaded when the request came.
        has_left: True if the client has left.
        on_left: called when the client leaves.
    """

    is_admitted: bool
    has_left: bool
    on_left: Callable[[], object] | None

    def respond(self, status: int, headers: Headers, body: bytes) -> bool:
        """Write a whole response at once; return False if it has to be sent by messages."""


class UntilLeft:
    """Cancel the block when the client leaves, which then ends without an error.

    The body of the request must have been read.

    Args:
        receive: of the request.
        exchange: tells when the client leaves; without it a task waits for that.
    """

    def __init__(self, receive: Receive, exchange: Exchange | None) -> None:
        self._receive = receive
        self._exchange = exchange
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._has_left = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        if self._exchange is not None and not self._exchange.has_left:
            self._exchange.on_left = self._leave
        else:
            self._watcher = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._watcher is not None:
            self._watcher.cancel()
        elif self._exchange is not None:
            self._exchange.on_left = None
        task, self._task = self._task, None
        if kind is None or not (self._has_left and issubclass(kind, asyncio.CancelledError)):
            return False
        assert task is not None
        task.uncancel()
        return True

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        if self._task is not None:
            self._has_left = True
            self._task.cancel()


class Sender:
    """Sends a response with headers that all responses have.

    Args:
        send: sends messages of ASGI.
        headers: what is added to those that a response has itself.
        exchange: writes a whole response at once; without it messages are sent.
    """

    def __init__(self, send: Send, headers: Headers, exchange: Exchange | None = None) -> None:
        self._send = send
        self._headers = headers
        self.exchange = exchange

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        if message["type"] == "http.response.start":
            message["headers"] = self._add_headers(message.get("headers", ()))
        await self._send(message)

    async def send_whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a response whose body is there."""
        exchange = self.exchange
        if exchange is None or not exchange.respond(status, self._add_headers(headers), body):
            await self({"type": "http.response.start", "status": status, "headers": headers})
            await self({"type": "http.response.body", "body": body})

    def _add_headers(self, own: Headers) -> Headers:
        names = {name for name, _ in own}
        return [*own, *(pair for pair in self._headers if pair[0] not in names)]


async def send_reply(reply: Reply, receive: Receive, send: Sender) -> None:
    """Send a response; a stream ends when the client leaves."""
    headers = [(b"content-type", reply.media_type)]
    headers += [(key.lower().encode(), value.encode()) for key, value in reply.headers.items()]
    if isinstance(reply.body, bytes):
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send.send_whole(reply.status, headers, reply.body)
        return
    headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    async with UntilLeft(receive, send.exchange), aclosing(reply.body) as parts:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
