"""Requests that are refused as soon as their head is read, over real connections."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from uvicorn.server import ServerState

from munjang.serving.app import App
from munjang.serving.endpoints.endpoint import Call, Endpoint
from munjang.serving.engine import Engine
from munjang.serving.guards import Guards
from munjang.serving.http import Reply
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


def make_app(**limits: float) -> App:
    """Return an application without models, with some limits."""
    return App(Service(ModelStore([]), Limits(**limits)), Guards("127.0.0.1"))


def with_connections(app: App, *asks: Ask, keep_alive: float = 5) -> None:
    """Call each function with a connection to an application, one after another."""

    async def run() -> None:
        config = uvicorn.Config(
            app, http=LimitedProtocol, ws="none", proxy_headers=False, log_config=None
        )
        config.timeout_keep_alive = keep_alive  # type: ignore[assignment]
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: LimitedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        writers = []
        try:
            for ask in asks:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writers.append(writer)
                await ask(reader, writer)
        finally:
            for writer in writers:
                writer.close()
            server.close()

    asyncio.run(run())


def with_connection(ask: Ask, **limits: float) -> None:
    """Call `ask` with a connection to a server without models, with some limits."""
    with_connections(make_app(**limits), ask)


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


def test_head_that_was_refused_is_known_again(overload: pytest.MonkeyPatch) -> None:
    app = make_app()
    parsed = []
    overload.setattr(app, "find_refusable", lambda *request: parsed.append(request) or "/predict")

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        responses = []
        for body in (BODY, BODY, BODY[::-1]):  # a body is not looked at
            writer.write(make_head() + body)
            responses.append(await read_response(reader))
        assert len(parsed) == 1
        assert [status for status, _, _ in responses] == [503, 503, 503]
        assert responses[0] == responses[1] == responses[2]
        assert responses[2][1]["retry-after"] == "92"
        writer.write(make_head()[:-2] + b"X: y\r\n\r\n" + BODY)  # another head
        assert (await read_response(reader))[0] == 503
        writer.write(2 * (make_head() + BODY))  # two requests at once
        assert [(await read_response(reader))[0] for _ in range(2)] == [503, 503]
        assert len(parsed) == 4
        overload.undo()
        writer.write(make_head() + BODY)
        assert (await read_response(reader))[0] == 404  # no model is served
        writer.write(make_head("GET /metrics HTTP/1.1", size=0))
        text = (await read_response(reader))[2].decode()
        assert 'munjang_requests_total{code="503",endpoint="/predict"} 6.0' in text
        assert 'munjang_rejected_total{reason="deadline"} 6.0' in text

    with_connections(app, ask)


def test_request_that_was_admitted_is_not_refused_later(overload: pytest.MonkeyPatch) -> None:
    overload.undo()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head() + BODY[:5])
        await asyncio.sleep(0.05)  # the head is read
        overload.setattr(Engine, "seconds_of_queue", 99.0)
        writer.write(BODY[5:])
        assert (await read_response(reader))[0] == 404  # no model is served
        writer.write(make_head() + BODY)
        assert (await read_response(reader))[0] == 503

    with_connection(ask)


@pytest.mark.parametrize(
    "data",
    [
        make_head() + BODY[:-1],  # the rest is to come
        make_head() + BODY + make_head(),
        make_head("POST /predict HTTP/1.1", "Transfer-Encoding: chunked", size=3) + b"abc",
        make_head("POST /predict HTTP/1.1", "Content-Length: 3", size=3) + b"abc",
        make_head("POST /predict HTTP/1.1", "X: " + 2000 * "y", size=3) + b"abc",
    ],
)
def test_only_whole_requests_of_a_given_length_are_known(data: bytes) -> None:
    app = make_app()
    head = data.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")[1:]
    app.refusals.remember(data, [tuple(line.split(b": ")) for line in head], "/predict")  # type: ignore[misc]
    assert app.refusals.find_known(data) is None
    whole = make_head() + BODY
    app.refusals.remember(whole, [(b"content-length", b"%d" % len(BODY))], "/predict")
    assert app.refusals.find_known(whole) is not None
    assert app.refusals.find_known(whole[:-1]) is None
    assert app.refusals.find_known(whole + b"P") is None


def test_known_heads_do_not_grow_without_end() -> None:
    refusals = make_app().refusals
    for number in range(5000):
        head = make_head("POST /predict HTTP/1.1", f"X: {number}", size=0)
        refusals.remember(head, [(b"content-length", b"0")], "/predict")
    assert len(refusals._known) <= 1024


@pytest.mark.usefixtures("overload")
def test_connection_is_kept_while_requests_are_refused_and_closed_after() -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(6):  # longer than an idle connection is kept
            await asyncio.sleep(0.1)
            writer.write(make_head() + BODY)
            assert (await read_response(reader))[0] == 503
        assert await asyncio.wait_for(reader.read(), 60) == b""

    with_connections(make_app(), ask, keep_alive=0.4)


def test_connections_beyond_the_limit_are_refused_and_closed() -> None:
    first: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first.append((reader, writer))
        writer.write(make_head("GET /models HTTP/1.1", size=0))
        assert (await read_response(reader))[0] == 200

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head() + BODY)
        status, headers, body = await read_response(reader)
        assert (status, headers["connection"], headers["retry-after"]) == (503, "close", "2")
        assert b'"overloaded"' in body
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer = first[0][1]
        writer.write(make_head("GET /models HTTP/1.1", size=0))
        assert (await read_response(first[0][0]))[0] == 200  # those before it are answered

    with_connections(make_app(connections=1), keep, ask)


def test_handler_ends_when_the_client_leaves() -> None:
    events: list[str] = []
    ended = asyncio.Event()

    async def wait(call: Call) -> Reply:
        """Wait without end."""
        events.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            events.append("ended")
            ended.set()
        return Reply(b"")

    endpoint = Endpoint("GET", "/wait", "Wait.", wait, is_open=True)
    app = App(Service(ModelStore([]), Limits()), Guards("127.0.0.1"), [endpoint])

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head("GET /wait HTTP/1.1", size=0))
        while not events:
            await asyncio.sleep(0.01)
        writer.close()
        await asyncio.wait_for(ended.wait(), 60)
        assert events == ["begun", "ended"]

    with_connections(app, ask)


def test_no_body_is_sent_to_head() -> None:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head("HEAD /predict HTTP/1.1", size=0))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        assert head.startswith(b"HTTP/1.1 405 ")
        writer.write(make_head("GET /models HTTP/1.1", size=0))
        assert (await read_response(reader))[0] == 200  # nothing lies between

    with_connection(ask)
