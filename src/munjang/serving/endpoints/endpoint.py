"""Endpoints: rows of the table of routes, and of `/openapi.json`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from munjang.serving.http import Reply
from munjang.serving.service import Service


@dataclass(frozen=True)
class Call:
    """A request whose body was checked.

    Attributes:
        service: models and engine.
        body: instance of the endpoint's body type; None without one.
        path: parameters in the path.
    """

    service: Service
    body: Any
    path: Mapping[str, str]


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path.

    Attributes:
        method: method of HTTP.
        path: path, with parameters in braces.
        about: what it does, one sentence.
        handle: makes the response.
        body: type of the body of a request; None without one.
        response: type of the body of a response; None if it is no JSON.
        media_type: of the response if it is no JSON, or if a stream can be asked for.
        is_open: whether it is answered without the key.
        statuses: refusals beside those of every endpoint.
    """

    method: str
    path: str
    about: str
    handle: Handler
    body: Any = None
    response: Any = None
    media_type: str | None = None
    is_open: bool = False
    statuses: tuple[int, ...] = ()
