"""Requests and responses of a server, whatever sends them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from munjang.errors import MunjangError

Inputs = str | Sequence[str] | Sequence[Sequence[str]]


class ServerError(MunjangError):
    """A response of a server that is an error.

    Args:
        message: what the server said.
        status: status of HTTP.
        kind: short name of the error, such as "overloaded".
        retry_after: seconds after which another attempt has a chance; None if the server does
            not say.
    """

    def __init__(self, message: str, *, status: int, kind: str, retry_after: float | None) -> None:
        self.status = status
        self.kind = kind
        self.retry_after = retry_after
        super().__init__(message)


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        path: its path.
        body: JSON; None for GET.
    """

    path: str
    body: dict[str, Any] | None = None

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "GET" if self.body is None else "POST"


def post(path: str, **fields: Any) -> Request:
    """Return a request with the fields that are not None; tuples become lists."""
    return Request(path, {key: value for key, value in fields.items() if value is not None})


def read_error(status: int, text: str, retry_after: str | None) -> ServerError:
    """Return the error in the body of a response."""
    try:
        error = json.loads(text)["error"]
        kind, message = str(error["type"]), str(error["message"])
    except (ValueError, LookupError, TypeError):
        kind, message = "unknown", f"status {status}: {text[:200]}"
    seconds = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
    return ServerError(message, status=status, kind=kind, retry_after=seconds)


def read_event(line: str) -> str | None:
    """Return the text of a line of a stream; None if it has none.

    Raises:
        ServerError: the line is an error.
    """
    if not line.startswith("data: ") or line == "data: [DONE]":
        return None
    value = json.loads(line.removeprefix("data: "))
    if "error" in value:
        raise read_error(200, json.dumps(value), None)
    text: str = value["token"]["text"]
    return text
