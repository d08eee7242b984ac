"""Requests that are refused as soon as their head is read, over real connections."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from uvicorn.server import ServerState

from munjang.serving.app import App
from munjang.serving.engine import Engine
from munjang.serving.guards import Guards
from munjang.serving.limits import Limits
from munjang.serving.models import ModelStore
from munjang.serving.protocol import LimitedProtocol
from munjang.serving.service import Service

BODY = '{"inputs": "정말 👩‍👩‍👧 재미있다"}'.encode()
Ask = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def make_head(line: str = "POST /predict HTTP/1.1", *more: str, size: int = len(BODY)) -> bytes:
    own = ("Host: localhost", "Content-Type: application/json", f"Content-Length: {size}")
    return "\r\n".join((line, *own, *more, "", "")).encode()


async def read_response(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


def with_connection(ask: Ask, **limits: float) -> None:
    """Call `ask` with a connection to a server without models, with some limits."""

    async def run() -> None:
        app = App(Service(ModelStore([]), Limits(**limits)), Guards("127.0.0.1"))
        config = uvicorn.Config(
            app, http=LimitedProtocol, ws="none", proxy_headers=False, log_config=None
        )
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: LimitedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await ask(reader, writer)
        finally:
            writer.close()
            server.close()

    asyncio.run(run())


@pytest.fixture
def overload(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All engines are overloaded until this is undone."""
    monkeypatch.setattr(Engine, "seconds_of_queue", 99.0)
    return monkeypatch


def test_refusal_comes_before_the_body_and_keeps_the_connection(
    overload: pytest.MonkeyPatch,
) -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head())
        status, headers, body = await read_response(reader)
        assert (status, headers["retry-after"]) == (503, "92")
        assert b'"overloaded"' in body
        assert headers["x-content-type-options"] == "nosniff"
        # the body of the first request, a whole one, and one that is answered in any case
        whole = make_head() + BODY
        writer.write(BODY + whole + make_head("GET /models HTTP/1.1", size=0))
        assert (await read_response(reader))[0] == 503
        assert (await read_response(reader))[0] == 200
        overload.undo()
        writer.write(whole)
        assert (await read_response(reader))[0] == 404  # no model is served

    with_connection(ask)


@pytest.mark.parametrize(
    ("line", "header", "status", "shown"),
    [
        ("POST /predict HTTP/1.1", "Origin: http://localhost", 503, "x-frame-options"),
        ("POST /predict HTTP/1.1", "Origin: http://example.org", 403, "x-frame-options"),
        ("POST /predict HTTP/1.1", "Connection: close", 503, "connection"),
        ("POST /predict HTTP/1.0", "X: y", 503, "connection"),
        ("POST /v2/models/%2e/infer?x=1 HTTP/1.1", "X: y", 503, "retry-after"),
        ("POST /nowhere HTTP/1.1", "X: y", 404, "x-frame-options"),
        ("PUT /predict HTTP/1.1", "X: y", 405, "allow"),
    ],
)
@pytest.mark.usefixtures("overload")
def test_other_requests_are_refused_by_the_application(
    line: str, header: str, status: int, shown: str
) -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head(line, header) + BODY)
        found, headers, _ = await read_response(reader)
        assert found == status
        assert shown in headers

    with_connection(ask)


@pytest.mark.usefixtures("overload")
def test_body_that_never_comes_ends_the_connection() -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head() + BODY[:5])
        assert (await read_response(reader))[0] == 503
        assert await asyncio.wait_for(reader.read(), 60) == b""  # no second response

    with_connection(ask, receive_seconds=0.2)
