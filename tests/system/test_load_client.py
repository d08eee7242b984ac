"""The client that puts load on servers in the benchmarks."""

import runpy
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

LOAD = Path(__file__).resolve().parents[2] / "benchmarks" / "load.py"


class Handler(BaseHTTPRequestHandler):
    """Returns a body, an odd one with 503; the fifth response on a connection closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    open_now: ClassVar[set[int]] = set()
    most_open = 0
    asked = 0

    def do_POST(self) -> None:
        kind = type(self)
        kind.open_now.add(id(self))
        kind.most_open = max(kind.most_open, len(kind.open_now))
        self.asked += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if int(body) % 2 else 200)
        self.send_header("Content-Length", str(len(body)))
        if self.asked == 5:
            self.send_header("Connection", "close")
            kind.open_now.discard(id(self))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Handler.open_now, Handler.most_open = set(), 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def load() -> dict[str, Any]:
    return runpy.run_path(str(LOAD))


def check(answers: Any, count: int) -> None:
    assert len(answers) == count
    for answer in answers:
        assert answer.body == b"%d" % answer.number
        assert answer.status == (503 if answer.number % 2 else 200)
        assert 0 <= answer.unread <= answer.since_sent <= answer.seconds


def test_all_requests_are_sent_at_their_rate_by_few_connections(
    port: int, load: dict[str, Any]
) -> None:
    requests = [load["make_request"]("/", number) for number in range(20)]
    result = load["run_open"](port, requests, rate=200, seconds=0.5, connections=4)
    check(result.answers, 100)
    assert Handler.most_open <= 4
    assert result.count(503) == 50
    assert result.seconds >= 0.49
    assert 0 < result.busy < 1


def test_closed_loop_asks_everything_once(port: int, load: dict[str, Any]) -> None:
    requests = [load["make_request"]("/", number) for number in range(30)]
    result = load["run_closed"](port, requests, connections=3)
    check(result.answers, 30)
    assert {answer.number for answer in result.answers} == set(range(30))
