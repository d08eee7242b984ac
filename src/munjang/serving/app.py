"""The ASGI application: guards, routes, bodies, responses."""

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from starlette.routing import compile_path
from starlette.staticfiles import StaticFiles

from munjang.serving.endpoints.endpoint import Call, Endpoint
from munjang.serving.guards import HEADERS, SAME_ORIGIN, Guards
from munjang.serving.http import (
    EXCHANGE,
    Receive,
    Reply,
    Scope,
    Send,
    Sender,
    UntilLeft,
    read_body,
    reply_error,
    reply_json,
    send_reply,
)
from munjang.serving.openapi import describe
from munjang.serving.refusals import Refusals
from munjang.serving.request_errors import RequestError, as_request_error, invalid, not_found
from munjang.serving.routes import ENDPOINTS
from munjang.serving.service import Service

_log = logging.getLogger("munjang.serving")
Headers = dict[bytes, bytes]
_PAGE = Path(__file__).parent / "page"
# A browser asks whether its copy is still the page of this version.
_PAGE_HEADERS = ((b"cache-control", b"no-cache"),)


class App:
    """The application.

    Args:
        service: models and engine.
        guards: who may ask.
        endpoints: what can be asked.
        on_ready: called when requests are answered.
    """

    def __init__(
        self,
        service: Service,
        guards: Guards,
        endpoints: Sequence[Endpoint] = ENDPOINTS,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        self.service = service
        self.refusals = Refusals(service)
        self._on_ready = on_ready
        self._guards = guards
        document = describe(endpoints, has_key=guards.key is not None)

        async def openapi(call: Call) -> Reply:
            """Return this document."""
            return reply_json(document)

        about = "Return the description of all endpoints."
        described = Endpoint("GET", "/openapi.json", about, openapi, is_open=True)
        self._routes = Routes([*endpoints, described])
        self._page = StaticFiles(directory=_PAGE, html=True, check_dir=False)

    def find_refusable(
        self, method: str, url: bytes, headers: Iterable[tuple[bytes, bytes]]
    ) -> str | None:
        """Return the path of the endpoint if a request may be refused by its head; None otherwise.

        Pages of other servers, which need headers of their own, are refused by the call.

        Args:
            method: method of HTTP.
            url: path, and query if there is one.
            headers: names in lower case, and values.
        """
        endpoint = self._routes.fixed(method, url.partition(b"?")[0].decode("latin-1"))
        if endpoint is None or endpoint.body is None:
            return None
        return None if any(name == b"origin" for name, _ in headers) else endpoint.path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            headers = dict(scope["headers"])
            shared = self._guards.share(headers) or [SAME_ORIGIN]
            exchange = scope.get("extensions", {}).get(EXCHANGE)
            sender = Sender(send, [*HEADERS, *shared], exchange)
            await self._answer(scope, headers, receive, sender)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.service.start()
                _reload_on_hangup(self.service)
                if self._on_ready is not None:
                    self._on_ready()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.service.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, send: Sender) -> None:
        started = time.perf_counter()
        name = "page"
        try:
            if scope["method"] == "OPTIONS":
                self._guards.check(headers, is_open=True)
                await send_reply(Reply(b"", 204), receive, send)
                return
            found = self._routes.find(scope["method"], scope["path"])
            self._guards.check(headers, is_open=found is None or found[0].is_open)
            if found is None:
                await self._send_file(scope, receive, send)
                return
            endpoint, path = found
            name = endpoint.path
            reply = await self._reply(endpoint, path, headers, receive, send)
        except RequestError as error:
            reply = reply_error(error)
        except ConnectionResetError:
            return
        except Exception as error:
            _log.exception("a request failed: %s", type(error).__name__)
            reply = reply_error(as_request_error(error))
        if reply is not None:
            await send_reply(reply, receive, send)
            self.service.metrics.responded(name, reply.status, time.perf_counter() - started)

    async def _reply(
        self,
        endpoint: Endpoint,
        path: dict[str, str],
        headers: Headers,
        receive: Receive,
        send: Sender,
    ) -> Reply | None:
        body = None
        is_admitted = send.exchange is not None and send.exchange.is_admitted
        if endpoint.body is not None and not is_admitted:
            self.service.check_load()
        data = await read_body(receive, self.service.limits.body_bytes)
        if endpoint.body is not None:
            _require_json(headers)
            body = _decode(data, endpoint.body)
        async with UntilLeft(receive, send.exchange):
            return await endpoint.handle(Call(self.service, body, path))
        return None

    async def _send_file(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file of the page.

        Raises:
            RequestError: there is none.
        """
        if scope["method"] not in ("GET", "HEAD"):
            raise not_found(
                f"no endpoint {scope['method']} {scope['path'][:200]}; see /openapi.json"
            )
        try:
            await self._page(scope, receive, Sender(send, _PAGE_HEADERS))
        except Exception as error:
            raise not_found(f"nothing at {scope['path'][:200]}; see /openapi.json") from error


def _reload_on_hangup(service: Service) -> None:
    """Load models whose folders have changed again at SIGHUP."""
    if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
        return
    tasks: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.get_running_loop().create_task(_reload_all(service))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


async def _reload_all(service: Service) -> None:
    before = service.store.hashes
    for name, problem in await service.reload_all():
        _log.error("%s: %s", name, problem)
    for name, sha256 in service.store.hashes.items():
        if before.get(name) != sha256:
            _log.info("loaded %s%s", name, " again" if name in before else "")


class Routes:
    """Endpoints by method and path.

    Args:
        endpoints: the rows of the table.
    """

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._fixed: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[Any, Endpoint]] = []
        for endpoint in endpoints:
            if "{" in endpoint.path:
                self._patterns.append((compile_path(endpoint.path)[0], endpoint))
            else:
                self._fixed.setdefault(endpoint.path, {})[endpoint.method] = endpoint

    def fixed(self, method: str, path: str) -> Endpoint | None:
        """Return the endpoint of a path without parameters; None if there is none."""
        return self._fixed.get(path, {}).get(method)

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """Return the endpoint and the parameters in the path; None if no endpoint has the path.

        Raises:
            RequestError: the path is that of an endpoint with another method.
        """
        methods = self._fixed.get(path)
        found: list[tuple[Endpoint, dict[str, str]]]
        if methods is not None:
            found = [(endpoint, {}) for endpoint in methods.values()]
        else:
            found = [
                (endpoint, match.groupdict())
                for pattern, endpoint in self._patterns
                if (match := pattern.match(path))
            ]
        for endpoint, parameters in found:
            if endpoint.method == method:
                return endpoint, parameters
        if not found:
            return None
        allowed = ", ".join(sorted({endpoint.method for endpoint, _ in found}))
        raise RequestError(
            405, "method_not_allowed", f"{path[:200]}: expected {allowed}", {"Allow": allowed}
        )


def _require_json(headers: Headers) -> None:
    """Refuse other types: a form of a foreign page could send one without being asked first."""
    given = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if given != b"application/json":
        raise RequestError(
            415,
            "not_json",
            "expected the header Content-Type: application/json, got "
            f"{given.decode('latin-1')[:80] or 'none'}",
        )


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decode(data: bytes, kind: Any) -> Any:
    try:
        return _decoder(kind).decode(data)
    except msgspec.ValidationError as error:
        raise invalid(str(error)[:500]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, "invalid_json", f"expected JSON in UTF-8: {error}"[:500]) from None
