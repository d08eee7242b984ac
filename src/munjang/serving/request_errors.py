"""Errors that a client sees, as JSON of one shape.

{"error": {"type": "too_many_texts", "message": "expected at most 256 texts, got 300"}}
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from munjang.errors import ConfigError, DataError, MunjangError

_log = logging.getLogger("munjang.serving")


@dataclass(eq=False)
class RequestError(Exception):
    """A request that is not answered as asked.

    Attributes:
        status: status of HTTP.
        kind: short name for programs.
        message: one line for people.
        headers: further headers of the response.
    """

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the body of the response."""
        return {"error": {"type": self.kind, "message": self.message}}


def invalid(message: str) -> RequestError:
    """Return the error of a request whose content cannot be used."""
    return RequestError(422, "invalid_request", message)


def not_found(message: str) -> RequestError:
    """Return the error of a request for something that is not there."""
    return RequestError(404, "not_found", message)


def too_large(kind: str, message: str) -> RequestError:
    """Return the error of a request that exceeds a limit."""
    return RequestError(413, kind, message)


def overloaded(message: str, retry_after: float) -> RequestError:
    """Return the error of a request that would wait too long.

    Args:
        message: why.
        retry_after: seconds until the next attempt has a chance.
    """
    seconds = str(max(1, min(3600, round(retry_after + 0.5))))
    return RequestError(503, "overloaded", message, {"Retry-After": seconds})


def as_request_error(error: Exception) -> RequestError:
    """Return the error for an error of a model; unknown errors keep their text to the log."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, DataError | ConfigError):
        return invalid(str(error))
    if isinstance(error, MunjangError):
        return RequestError(500, "model_error", str(error))
    return RequestError(500, "internal_error", "the server failed to answer; its log says why")


def log_unexpected(error: Exception) -> None:
    """Log errors that are faults of the server or of a model; texts are in no message of ours."""
    if as_request_error(error).status >= 500:
        _log.error("a model failed: %s", type(error).__name__, exc_info=error)
