"""Guards: who may ask. A web page of another site must not reach a server on this machine."""

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from munjang.serving.request_errors import RequestError

SAME_ORIGIN = (b"cross-origin-resource-policy", b"same-origin")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'self'",
    ),
)


@dataclass(frozen=True)
class Guards:
    """Checks of the head of a request.

    Attributes:
        host: address that the server is bound to.
        names: further names of this server in the header Host.
        origins: web pages of other servers that may ask, such as https://example.org.
        key: key that is expected as a bearer token; None: none.
    """

    host: str
    names: Sequence[str] = ()
    origins: Sequence[str] = ()
    key: bytes | None = None

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can connect."""
        return self.host in _LOOPBACK or is_loopback_address(self.host)

    def share(self, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Return the headers of a response that let an allowed page of another server read it."""
        origin = headers.get(b"origin", b"")
        if origin.decode("latin-1") not in self.origins:
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-headers", b"authorization, content-type"),
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-expose-headers", b"retry-after"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"vary", b"origin"),
        ]

    def check(self, headers: Mapping[bytes, bytes], *, is_open: bool) -> None:
        """Refuse a request by its headers, whose names are in lower case.

        Args:
            headers: of the request.
            is_open: the endpoint needs no key.

        Raises:
            RequestError: the host, the origin or the key is wrong.
        """
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._is_known(host):
            raise RequestError(
                403, "host_not_allowed", f"unknown host {host[:100]!r}; start with --allow-host"
            )
        origin = headers.get(b"origin")
        if origin is not None and not self._may_ask(origin.decode("latin-1"), host):
            raise RequestError(
                403, "origin_not_allowed", "pages of other sites may not ask; see --allow-origin"
            )
        if self.key is not None and not is_open:
            self._check_key(headers.get(b"authorization", b""))

    def _is_known(self, host: str) -> bool:
        name = _host_name(host)
        if name in _LOOPBACK or name == self.host.lower() or name in self.names:
            return True
        # a name of a foreign site can be made to lead here, an address cannot
        return not self.is_loopback and _is_address(name)

    def _may_ask(self, origin: str, host: str) -> bool:
        scheme, _, place = origin.partition("://")
        is_own = scheme in ("http", "https") and place.lower() == host.lower()
        return is_own or origin in self.origins

    def _check_key(self, authorization: bytes) -> None:
        scheme, _, given = authorization.partition(b" ")
        is_bearer = scheme.lower() == b"bearer"
        # compared in constant time, also if the scheme is wrong
        is_right = hmac.compare_digest(given.strip(), self.key or b"")
        if not (is_bearer and is_right):
            raise RequestError(
                401,
                "unauthorized",
                "expected the header Authorization: Bearer KEY with the key of this server",
                {"WWW-Authenticate": "Bearer"},
            )


def is_loopback_address(host: str) -> bool:
    """Return whether an address leads to this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    """Return the name in `name:port` or `[address]:port`, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
