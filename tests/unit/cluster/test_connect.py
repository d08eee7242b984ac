"""Mistakes with a cluster are one line, found before Ray is imported."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from munjang.cluster import package
from munjang.cluster.connect import connect
from munjang.errors import ConfigError

IMPORTS_SCRIPT = """
import sys
from munjang.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
for name in sys.argv[1:]:
    __import__(name)
print("ray" in sys.modules)
"""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers with the last of some lines, once they are given."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answers[-1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", answers


@pytest.mark.parametrize(
    "address", ["", "10.0.0.1", "host:0", "host:99999999", "host:６", "ray://host:10001", "호스트:"]
)
def test_malformed_address_is_refused(address: str) -> None:
    with (
        pytest.raises(ConfigError, match="cluster: expected auto, or HOST:PORT"),
        connect(address),
    ):
        pass


def test_dead_address_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with (
        pytest.raises(ConfigError, match=f"nothing listens at {address} .*ray start") as caught,
        connect(address),
    ):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_other_server_is_refused(listener: tuple[str, list[bytes]], answer: bytes) -> None:
    address, answers = listener
    answers.append(answer)
    with pytest.raises(ConfigError, match=f"at {address} is no Ray cluster"), connect(address):
        pass


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "munjang\[ray\]"'), connect("auto"):
        pass


def test_signal_handlers_stay() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with package.keep_signal_handlers():
        signal.signal(signal.SIGTERM, lambda number, frame: None)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    "modules",
    [
        ("munjang.cluster.connect", "munjang.cluster.tasks"),
        pytest.param(
            ("munjang.api", "munjang.comparison.run", "munjang.tuning.run"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_commands_of_one_machine_do_not_import_ray(modules: tuple[str, ...]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORTS_SCRIPT, *modules], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "False"
