"""Bodies in and responses out, in terms of ASGI."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    MutableMapping,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from munjang.serving.request_errors import RequestError, too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"
EVENTS = b"text/event-stream; charset=utf-8"
# Seconds between two comments of a stream in which nothing else is sent, so that it is kept open.
HEARTBEAT = 15.0

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
    """Return the response for a error."""
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


@asynccontextmanager
async def until_left(receive: Receive) -> AsyncIterator[None]:
    """Cancel the block when the client leaves, which then ends without an error.

    The body of the request must have been read.
    """
    task = asyncio.current_task()
    assert task is not None
    has_left = False

    async def watch() -> None:
        nonlocal has_left
        while (await receive())["type"] != "http.disconnect":
            pass
        has_left = True
        task.cancel()

    watcher = asyncio.get_running_loop().create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not has_left:
            raise
        task.uncancel()
    finally:
        watcher.cancel()


async def send_reply(reply: Reply, receive: Receive, send: Send) -> None:
    """Send a response; a stream ends when the client leaves."""
    headers = [(b"content-type", reply.media_type)]
    headers += [(key.lower().encode(), value.encode()) for key, value in reply.headers.items()]
    if isinstance(reply.body, bytes):
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return
    headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    async with until_left(receive), aclosing(reply.body) as parts:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
