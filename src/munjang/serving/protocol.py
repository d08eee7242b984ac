"""The HTTP protocol of uvicorn with limits that it lacks: of the head of a request, and of time.

uvicorn waits without end for a client that sends its request slowly, and httptools takes a head of
any size. While the server is overloaded, a request is refused as soon as its head is read, without
a task: refusals must not take the time that answers need.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from munjang.serving.http import EXCHANGE, Headers
from munjang.serving.refusals import make_response
from munjang.serving.request_errors import RequestError, overloaded, too_large

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application


class CycleExchange:
    """An exchange of uvicorn; see `munjang.serving.http.Exchange`.

    Args:
        cycle: the request and its response in uvicorn.
        is_admitted: see `munjang.serving.http.Exchange`.
    """

    def __init__(self, cycle: RequestResponseCycle, *, is_admitted: bool) -> None:
        self._cycle = cycle
        self.is_admitted = is_admitted
        self.has_left = False
        self.on_left: Callable[[], object] | None = None

    @property
    def is_over(self) -> bool:
        """True if the response was written."""
        return self._cycle.response_complete

    def leave(self) -> None:
        """Note that the client has left."""
        self.has_left = True
        if self.on_left is not None:
            self.on_left()

    def respond(self, status: int, headers: Headers, body: bytes) -> bool:
        """Write a whole response at once, if nothing before it waits to be written.

        Two writes would cost the server, and wake the client, twice. The values of the headers
        are the server's own: they are not checked for line breaks.
        """
        cycle = self._cycle
        if cycle.response_started or cycle.flow.write_paused:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = cycle.response_complete = True
        cycle.scope.pop("extensions", None)  # refers to this: not left to the garbage collector
        cycle.waiting_for_100_continue = False
        parts = [STATUS_LINE[status]]
        parts += [b"%b: %b\r\n" % pair for pair in (*cycle.default_headers, *headers)]
        parts.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        if cycle.scope["method"] != "HEAD":
            parts.append(body)
        cycle.transport.write(b"".join(parts))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class LimitedProtocol(HttpToolsProtocol):
    """Protocol of one connection to a `munjang.serving.app.App`, which has the limits."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        app = self.config.loaded_app
        self.limits = app.service.limits
        self._refusals = app.refusals
        self._starts = app.service.starts
        self._head_bytes: int | None = None  # None outside of a head
        self._is_surplus = False  # more connections are open than may be
        self._begun = 0  # requests that have begun
        self._is_between = True  # no part of a request was read that is not whole
        self._refused: str | None = None  # endpoint, if the request that is read was refused
        self._due: float | None = None  # time at which the request that is read must be whole
        self._timer: asyncio.TimerHandle | None = None
        self._last_refusal = 0.0
        self._exchanges: list[CycleExchange] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client time for its first request."""
        super().connection_made(transport)
        self._is_surplus = len(self.connections) > self.limits.connections
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)
        for exchange in self._exchanges:
            exchange.leave()

    def data_received(self, data: bytes) -> None:
        """Refuse a request that is known, or a head that is too large; or read on."""
        is_first = self._is_between
        if is_first and self._refuse_known(data):
            return
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.header_bytes:
                most = self.limits.header_bytes
                message = f"expected a head of at most {most:,} bytes"
                self._refuse(too_large("head_too_large", message))
                return
        begun, self._refused = self._begun, self._refused if not is_first else None
        super().data_received(data)
        is_whole = is_first and self._is_between and self._begun == begun + 1
        if is_whole and self._refused is not None:
            self._refusals.remember(data, self.headers, self._refused)

    def _refuse_known(self, data: bytes) -> bool:
        """Refuse a whole request of which an equal head was refused before, if there is need."""
        known = self._refusals.find_known(data)
        if known is None or self._is_surplus or not self._is_free:
            return False
        reason = self._refusals.find_reason()
        if reason is None:
            return False
        self.transport.write(self._refusals.respond(reason, known.endpoint))
        self._due = None
        self._wait_for_next()
        return True

    def on_message_begin(self) -> None:
        """Give the client time for this request."""
        super().on_message_begin()
        self._begun += 1
        self._is_between = False
        self._refused = None
        self._head_bytes = 0
        self._start_timer()

    def on_headers_complete(self) -> None:
        """End the head."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        self._head_bytes = None
        if size > self.limits.header_bytes:
            most = self.limits.header_bytes
            self._refuse(too_large("head_too_large", f"expected a head of at most {most:,} bytes"))
        elif self._is_surplus and len(self.connections) > self.limits.connections:
            self._refuse(overloaded(f"{self.limits.connections:,} connections are open", 1.0))
        else:
            reason = self._refusals.find_reason()
            if reason is not None and self._refuse_early(reason):
                return
            super().on_headers_complete()
            self._exchanges = [each for each in self._exchanges if not each.is_over]
            self._exchanges.append(CycleExchange(self.cycle, is_admitted=reason is None))
            self.scope["extensions"] = {EXCHANGE: self._exchanges[-1]}  # type: ignore[dict-item]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        """Begin a request, now or in one of the next turns of the loop."""
        self._starts.add(partial(super()._start_asgi_task, cycle, app))

    def _refuse_early(self, reason: str) -> bool:
        """Refuse the request, if that can be done by its head."""
        if not self._can_refuse_early:
            return False
        method = self.parser.get_method().decode("ascii")
        self._refused = self.config.loaded_app.find_refusable(method, self.url, self.headers)
        if self._refused is None:
            return False
        self.transport.write(self._refusals.respond(reason, self._refused))
        return True

    @property
    def _is_free(self) -> bool:
        """True if a response can be written now."""
        is_idle = self.cycle is None or self.cycle.response_complete
        return is_idle and not self.flow.write_paused

    @property
    def _can_refuse_early(self) -> bool:
        """True if a response can be written now, and its connection stays open after it."""
        parser = self.parser
        is_plain = parser.get_http_version() == "1.1" and parser.should_keep_alive()
        is_plain = is_plain and not (self.expect_100_continue or parser.should_upgrade())
        return is_plain and self._is_free

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless the request was refused."""
        if self._refused is None and not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting: the request is whole."""
        self._due = None
        self._is_between = True
        if self._refused is not None:
            self._wait_for_next()
        elif not self.transport.is_closing():
            super().on_message_complete()

    def _wait_for_next(self) -> None:
        """Wait for the next request after a refusal; one timer serves many refusals."""
        self._last_refusal = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive(self.timeout_keep_alive)

    def _keep_alive(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, unless a request was refused since the timer started."""
        left = self._last_refusal + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._keep_alive(left)
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the shape of all refusals."""
        self._refuse(RequestError(400, "invalid_http", "expected a request of HTTP/1.1"))

    def _start_timer(self) -> None:
        """Give the client time; one timer serves many requests."""
        self._due = self.loop.time() + self.limits.receive_seconds
        if self._timer is None:
            self._timer = self.loop.call_at(self._due, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._due > self.loop.time():
            self._timer = self.loop.call_at(self._due, self._give_up)
            return
        seconds = self.limits.receive_seconds
        message = f"expected the whole request within {seconds:g} seconds"
        self._refuse(RequestError(408, "too_slow", message))

    def _refuse(self, error: RequestError) -> None:
        """Send an error, unless a response has begun, and close the connection."""
        if self.transport.is_closing():
            return
        is_free = self.cycle is None or not self.cycle.response_started
        is_answered = self._refused is not None and not self._is_between
        if not is_answered and (is_free or self.cycle.response_complete):
            self.transport.write(make_response(error, b"connection: close\r\n"))
        self.transport.close()
