"""Refusals: responses with status 503, which must not take the time that answers need.

A response is written many times, and a head that was refused once is known again by its bytes, so
that the next request of the same head is refused without being parsed.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from munjang.serving.guards import HEADERS, SAME_ORIGIN
from munjang.serving.request_errors import RequestError
from munjang.serving.service import Service

_HEADERS = b"".join(b"%b: %b\r\n" % pair for pair in (*HEADERS, SAME_ORIGIN))
_LINES = {
    400: b"400 Bad Request",
    408: b"408 Request Timeout",
    413: b"413 Content Too Large",
    503: b"503 Service Unavailable",
}
# Seconds for which a response is written: its message tells how long the queue is.
_FRESH = 0.05
_MOST_HEADS = 1024
_MOST_HEAD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that was refused by its head.

    Attributes:
        endpoint: path of the endpoint.
        size: bytes of head and body.
    """

    endpoint: str
    size: int


class Refusals:
    """Responses to requests that are refused before their bodies are read.

    Args:
        service: tells whether it is overloaded.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._responses: dict[str, tuple[float, bytes]] = {}  # by reason, with the time of expiry
        self._known: dict[bytes, KnownRequest] = {}

    def find_reason(self) -> str | None:
        """Return why requests are refused now; None if they are not."""
        return self._service.find_overload()

    def find_known(self, data: bytes) -> KnownRequest | None:
        """Return the request if `data` is a whole one whose head was refused before.

        Args:
            data: bytes that begin with a request.
        """
        if not self._known:
            return None
        known = self._known.get(data[: data.find(b"\r\n\r\n")])
        return known if known is not None and known.size == len(data) else None

    def remember(self, data: bytes, headers: Sequence[tuple[bytes, bytes]], endpoint: str) -> None:
        """Know a request again by the bytes of its head.

        Args:
            data: bytes of one request that was refused.
            headers: its headers, names in lower case.
            endpoint: path of its endpoint.
        """
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [value for name, value in headers if name == b"content-length"]
        is_chunked = any(name == b"transfer-encoding" for name, _ in headers)
        if lengths != [b"%d" % len(body)] or is_chunked or len(head) > _MOST_HEAD_BYTES:
            return
        if len(self._known) >= _MOST_HEADS:
            self._known.clear()
        self._known[head] = KnownRequest(endpoint, len(data))

    def respond(self, reason: str, endpoint: str) -> bytes:
        """Return the response to a refused request of an endpoint, and count it."""
        self._service.metrics.refused(endpoint, reason)
        now = time.monotonic()
        expiry, response = self._responses.get(reason, (0.0, b""))
        if now >= expiry:
            response = make_response(self._service.describe_overload(reason), _HEADERS)
            self._responses[reason] = now + _FRESH, response
        return response


def make_response(error: RequestError, more: bytes) -> bytes:
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
