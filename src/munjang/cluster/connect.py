"""Connection to a Ray cluster: checked before Ray is asked, quiet, and closed at the end."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from munjang.cluster.package import keep_signal_handlers, need_ray
from munjang.config import shown
from munjang.errors import ConfigError

AUTO = "auto"
# Seconds to wait for the head of a cluster: it is near, or not there.
_PATIENCE = 5.0
# The beginning of a connection of HTTP/2, which heads of clusters speak, and an empty frame of
# settings. The server answers with such a frame, whose fourth byte is its type.
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS = 4


@contextmanager
def connect(address: str) -> Iterator[None]:
    """Connect this process to a cluster for the duration of the block.

    A connection that the program has made already is used instead, and stays open.

    Args:
        address: `auto` for the cluster that runs on this machine, or HOST:PORT of the head of one
            that this machine belongs to, as `ray start --head` printed it.

    Raises:
        ConfigError: ray is not installed; nothing listens there; there is no cluster; its versions
            of Ray and Python are others.
    """
    _check_address(address)
    _check_listens(address)
    ray = need_ray()
    if ray.is_initialized():
        yield
        return
    with _without_messages(ray):
        with keep_signal_handlers():
            _init(ray, address)
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def _without_messages(ray: Any) -> Iterator[None]:
    """Let Ray print nothing about nodes that died: results are on standard output.

    It has no setting for this.
    """
    worker = ray._private.worker
    printing = worker.print_to_stdstream
    worker.print_to_stdstream = lambda *arguments, **named: None
    try:
        yield
    finally:
        worker.print_to_stdstream = printing


@contextmanager
def connect_if(address: str | None) -> Iterator[None]:
    """Connect to a cluster as `connect` does, unless the address is None."""
    if address is None:
        yield
        return
    with connect(address):
        yield


def _check_address(address: str) -> None:
    """Refuse what is neither `auto` nor HOST:PORT."""
    if address != AUTO and _host_and_port(address) is None:
        raise ConfigError(
            f"cluster: expected auto, or HOST:PORT such as 10.0.0.1:6379; got {shown(address)}"
        )


def _host_and_port(address: str) -> tuple[str, int] | None:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")  # of an address of IPv6
    is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) < 2**16
    return (host, int(port)) if host and "/" not in host and is_port else None


def _check_listens(address: str) -> None:
    """Refuse an address where no cluster answers: Ray would wait for minutes, and print."""
    place = None if address == AUTO else _host_and_port(address)
    if place is None:
        return
    try:
        with socket.create_connection(place, timeout=_PATIENCE) as connection:
            connection.sendall(_GREETING)
            answer = connection.recv(9, socket.MSG_WAITALL)
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        raise ConfigError(
            f"cluster: nothing listens at {address} ({reason.lower()}); start a cluster with: "
            "ray start --head, and give the address that it prints"
        ) from None
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise ConfigError(
            f"cluster: what listens at {address} is no Ray cluster; give the address that "
            "ray start --head printed"
        )


def _init(ray: Any, address: str) -> None:
    """Let Ray connect, without lines of its own on the terminal."""
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except ConnectionError:
        where = "on this machine" if address == AUTO else f"at {address}"
        raise ConfigError(
            f"cluster: no cluster runs {where}; start one with: ray start --head"
        ) from None
    except Exception as error:  # whatever Ray raises for a cluster that it cannot join
        reason = " ".join(str(error).split())
        if "Version mismatch" in reason:
            raise ConfigError(
                f"cluster: versions of Ray or Python differ ({reason[:300]}); install the same "
                "ones on all nodes"
            ) from None
        raise ConfigError(
            f"cluster: cannot join the cluster at {address} ({reason[:200]}); this machine has to "
            f"be a node of it: ray start --address={address}"
        ) from None
