"""One file over https, checked before it is kept."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from munjang.data.samples.cache import whole_file
from munjang.errors import DataError
from munjang.reporting import Report

TIMEOUT = 10.0  # of connecting, and of each wait for more; a host may have several addresses
LARGEST = 500_000_000
_CHUNK = 1 << 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Download:
    """A file at an address.

    Attributes:
        url: https; http only to this machine.
        sha256: of the file. None if nobody has vouched for one: then the digest of the first
            download is said and kept beside the file, and held against it from then on.
        size: bytes of the file, if known.
    """

    url: str
    sha256: str | None
    size: int | None = None

    @property
    def name(self) -> str:
        """File name of the address."""
        return Path(urlsplit(self.url).path).name

    def fetch(self, path: Path, report: Report) -> None:
        """Bring the file to `path`, whole or not at all.

        Raises:
            DataError: the address is not safe or cannot be reached, or what came is not the file.
        """
        size = f" ({self.size / 1e6:,.1f} MB)" if self.size else ""
        report(f"downloading {self.url}{size}")
        with _reached(self.url, path), _open(self.url) as answer, whole_file(path) as file:
            expected = answer.headers.get("Content-Length")
            got = _copy(answer, file, self.size or LARGEST, self.url)
            if expected is not None and got != int(expected):
                raise http.client.IncompleteRead(b"", int(expected) - got)
            self._require(self.sha256 or pinned(path), Path(file.name), named=path)

    def verify(self, path: Path) -> None:
        """Refuse a file that is not the one expected.

        Raises:
            DataError: its digest is another.
        """
        self._require(self.sha256 or pinned(path), path, named=path)

    def pin(self, path: Path, report: Report) -> None:
        """Keep the digest of a file for which nobody has vouched, and say it aloud."""
        if self.sha256 is None and pinned(path) is None:
            digest = file_digest(path)
            with whole_file(pin_of(path)) as file:
                file.write(f"{digest}  {path.name}\n".encode())
            report(
                f"no checksum of {self.name} is known: its SHA-256 is {digest}, kept from now on"
            )

    def _require(self, expected: str | None, path: Path, *, named: Path) -> None:
        if expected is not None and (digest := file_digest(path)) != expected:
            raise DataError(
                f"not the expected file: its SHA-256 is {digest}, expected {expected}; delete it "
                f"if it is there, and get it again from {self.url}",
                file=str(named),
            )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pin_of(path: Path) -> Path:
    """Where the digest of a first download is kept."""
    return path.with_name(f"{path.name}.sha256")


def pinned(path: Path) -> str | None:
    """The digest that was kept at the first download, if there was one."""
    pin = pin_of(path)
    return pin.read_text().split()[0] if pin.is_file() else None


def by_hand(url: str, path: Path) -> str:
    """What to do where the network does not reach."""
    return f"fetch {url} by other means, put it at {path}, and run this again"


def _require_safe(url: str) -> None:
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe:
        raise DataError(f"refused to download {url}: only https addresses are safe to trust")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only to an address that would have been allowed itself."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _require_safe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str) -> Any:
    _require_safe(url)
    opener = urllib.request.build_opener(_SafeRedirects)
    request = urllib.request.Request(url, headers={"User-Agent": "munjang"})  # noqa: S310 (checked)
    return opener.open(request, timeout=TIMEOUT)


def _copy(answer: IO[bytes], file: IO[bytes], limit: int, url: str) -> int:
    """Copy at most `limit` bytes. Returns how many there were."""
    got = 0
    while chunk := answer.read(_CHUNK):
        got += len(chunk)
        if got > limit:
            raise DataError(f"{url} gave more than the {limit:,} bytes expected; nothing was kept")
        with _room_for(got, file, url):
            file.write(chunk)
    with _room_for(got, file, url):
        file.flush()
    return got


@contextmanager
def _room_for(got: int, file: IO[bytes], url: str) -> Iterator[None]:
    """Tell a disk that is full from a network that does not reach."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {got:,} bytes of {url} ({error.strerror}); make room, or choose another "
            "folder with MUNJANG_CACHE",
            file=str(Path(file.name).parent),
        ) from error


@contextmanager
def _reached(url: str, path: Path) -> Iterator[None]:
    """Turn what can go wrong on the way into one line that says how to go on."""
    try:
        yield
    except urllib.error.HTTPError as error:
        said = f"{url} answered {error.code} {error.reason}"
        raise DataError(f"{said}; {by_hand(url, path)}") from error
    except http.client.IncompleteRead as error:
        said = f"{url} broke off with {error.expected:,} bytes missing; nothing was kept"
        raise DataError(f"{said}: try again, or {by_hand(url, path)}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "reason", None) or error
        said = f"could not reach {urlsplit(url).hostname} ({reason})"
        raise DataError(f"{said}; without a network, {by_hand(url, path)}") from error
