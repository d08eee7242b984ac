"""Who may ask: hosts, origins, keys."""

import pytest

from munjang.serving.guards import Guards
from munjang.serving.request_errors import RequestError

LOCAL = Guards("127.0.0.1")
OPEN = Guards("0.0.0.0", names=("models.example.org",), origins=("https://page.example",))
KEYED = Guards("127.0.0.1", key=b"a key of sixteen")


def kind_of(guards: Guards, is_open: bool = False, **headers: str) -> str | None:
    given = {name.encode(): value.encode() for name, value in headers.items()}
    try:
        guards.check(given, is_open=is_open)
    except RequestError as error:
        return error.kind
    return None


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80", "LOCALHOST:1"])
def test_names_of_this_machine_are_known(host: str) -> None:
    assert kind_of(LOCAL, host=host) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "", "localhost.evil", "10.0.0.1"]
)
def test_other_names_are_refused(host: str) -> None:
    assert kind_of(LOCAL, host=host) == "host_not_allowed"


def test_open_server_knows_addresses_and_its_names() -> None:
    assert kind_of(OPEN, host="192.168.0.5:8000") is None
    assert kind_of(OPEN, host="models.example.org") is None
    assert kind_of(OPEN, host="evil.example") == "host_not_allowed"


def test_pages_of_other_sites_may_not_ask() -> None:
    assert kind_of(LOCAL, host="localhost:8000", origin="http://localhost:8000") is None
    for origin in ("http://localhost:9000", "https://evil.example", "null"):
        assert kind_of(LOCAL, host="localhost:8000", origin=origin) == "origin_not_allowed"
    assert kind_of(OPEN, host="10.0.0.1", origin="https://page.example") is None


def test_allowed_page_may_read_answers() -> None:
    shared = dict(OPEN.share({b"origin": b"https://page.example"}))
    assert shared[b"access-control-allow-origin"] == b"https://page.example"
    assert OPEN.share({b"origin": b"https://other.example"}) == OPEN.share({}) == []


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", "Basic a key of sixteen", "Bearer a key of sixteen2"]
)
def test_wrong_keys_are_refused(given: str) -> None:
    assert kind_of(KEYED, host="localhost", authorization=given) == "unauthorized"
    assert kind_of(KEYED, is_open=True, host="localhost", authorization=given) is None


def test_right_key_is_accepted() -> None:
    assert kind_of(KEYED, host="localhost", authorization="bearer a key of sixteen") is None
