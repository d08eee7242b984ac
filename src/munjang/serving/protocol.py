"""The HTTP protocol of uvicorn with limits that it lacks: of the head of a request, and of time.

uvicorn waits without end for a client that sends its request slowly, and httptools takes a head of
any size. While the server is overloaded, a request is refused as soon as its head is read, without
a task: refusals must not take the time that answers need.
"""

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from munjang.serving.guards import HEADERS, SAME_ORIGIN
from munjang.serving.request_errors import RequestError, overloaded, too_large

_HEADERS = b"".join(b"%b: %b\r\n" % pair for pair in (*HEADERS, SAME_ORIGIN))
_LINES = {
    400: b"400 Bad Request",
    408: b"408 Request Timeout",
    413: b"413 Content Too Large",
    503: b"503 Service Unavailable",
}


class LimitedProtocol(HttpToolsProtocol):
    """Protocol of one connection to a `munjang.serving.app.App`, which has the limits."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits = self.config.loaded_app.service.limits
        self._head_bytes: int | None = None  # None outside of a head
        self._is_refused = False  # the request that is being read was answered with 503
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client time for its first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Refuse a head that is too large."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.header_bytes:
                most = self.limits.header_bytes
                message = f"expected a head of at most {most:,} bytes"
                self._refuse(too_large("head_too_large", message))
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Give the client time for this request."""
        super().on_message_begin()
        self._head_bytes = 0
        self._start_timer()

    def on_headers_complete(self) -> None:
        """End the head."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        self._head_bytes = None
        if size > self.limits.header_bytes:
            most = self.limits.header_bytes
            self._refuse(too_large("head_too_large", f"expected a head of at most {most:,} bytes"))
        elif len(self.connections) > self.limits.connections:
            self._refuse(overloaded(f"{self.limits.connections:,} connections are open", 1.0))
        elif self._can_refuse_early and (refusal := self._find_refusal()) is not None:
            self._is_refused = True
            self.transport.write(refusal)
        else:
            super().on_headers_complete()

    @property
    def _can_refuse_early(self) -> bool:
        """True if a response can be written now, and its connection stays open after it."""
        is_idle = self.cycle is None or self.cycle.response_complete
        is_plain = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
        return is_idle and is_plain and not self.expect_100_continue and not self.flow.write_paused

    def _find_refusal(self) -> bytes | None:
        """Return the response if the server is too busy for this request."""
        app = self.config.loaded_app
        error = app.refuse_early(self.parser.get_method().decode("ascii"), self.url, self.headers)
        return None if error is None else _response(error, _HEADERS)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless the request was refused."""
        if not (self._is_refused or self.transport.is_closing()):
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting: the request is whole."""
        self._stop_timer()
        if self._is_refused:
            self._is_refused = False
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        elif not self.transport.is_closing():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the shape of all refusals."""
        self._refuse(RequestError(400, "invalid_http", "expected a request of HTTP/1.1"))

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self.limits.receive_seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        seconds = self.limits.receive_seconds
        message = f"expected the whole request within {seconds:g} seconds"
        self._refuse(RequestError(408, "too_slow", message))

    def _refuse(self, error: RequestError) -> None:
        """Send an error, unless a response has begun, and close the connection."""
        if self.transport.is_closing():
            return
        is_free = self.cycle is None or not self.cycle.response_started
        if not self._is_refused and (is_free or self.cycle.response_complete):
            self.transport.write(_response(error, b"connection: close\r\n"))
        self.transport.close()


def _response(error: RequestError, more: bytes) -> bytes:
    """Return the bytes of a response.

    Args:
        error: why the request is refused.
        more: further headers.
    """
    body = msgspec.json.encode(error.to_json())
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    head = head % (_LINES[error.status], len(body))
    own = b"".join(f"{key}: {text}\r\n".encode() for key, text in error.headers.items())
    return b"".join((head, own, more, b"\r\n", body))
