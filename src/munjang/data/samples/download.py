"""Download of one file over https, checked before it is stored."""

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

from munjang.data.samples.cache import open_atomic
from munjang.errors import DataError
from munjang.reporting import Report

TIMEOUT = 10.0  # seconds to connect, and for each read; a host may have several addresses
LARGEST = 500_000_000
_CHUNK = 1 << 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Download:
    """File at an address.

    Attributes:
        url: https address; http only on this machine.
        sha256: SHA-256 of the file. If None, the digest of the first download is reported, stored
            next to the file, and required from then on.
        size: size of the file in bytes, if known.
    """

    url: str
    sha256: str | None
    size: int | None = None

    @property
    def name(self) -> str:
        """File name in the address."""
        return Path(urlsplit(self.url).path).name

    def fetch(self, path: Path, report: Report) -> None:
        """Download the file to `path`, whole or not at all.

        Raises:
            DataError: the address is not safe or cannot be reached, or the checksum is wrong.
        """
        size = f" ({self.size / 1e6:,.1f} MB)" if self.size else ""
        report(f"downloading {self.url}{size}")
        with _explain_failure(self.url, path), _open(self.url) as answer, open_atomic(path) as file:
            expected = answer.headers.get("Content-Length")
            got = _copy(answer, file, self.size or LARGEST, self.url)
            if expected is not None and got != int(expected):
                raise http.client.IncompleteRead(b"", int(expected) - got)
            self._require_digest(self.sha256 or read_pin(path), Path(file.name), named=path)

    def verify(self, path: Path) -> None:
        """Verify the checksum of a file.

        Raises:
            DataError: the checksum is wrong.
        """
        self._require_digest(self.sha256 or read_pin(path), path, named=path)

    def pin(self, path: Path, report: Report) -> None:
        """Store and report the digest of a file without a known checksum."""
        if self.sha256 is None and read_pin(path) is None:
            digest = file_digest(path)
            with open_atomic(pin_path(path)) as file:
                file.write(f"{digest}  {path.name}\n".encode())
            report(
                f"no checksum of {self.name} is known; stored its SHA-256 {digest}, which is "
                "required from now on"
            )

    def _require_digest(self, expected: str | None, path: Path, *, named: Path) -> None:
        if expected is not None and (digest := file_digest(path)) != expected:
            raise DataError(
                f"not the expected file: its SHA-256 is {digest}, expected {expected}; delete it "
                f"if it is there, and get it again from {self.url}",
                file=str(named),
            )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pin_path(path: Path) -> Path:
    """Return the path of the stored digest of a first download."""
    return path.with_name(f"{path.name}.sha256")


def read_pin(path: Path) -> str | None:
    """Return the stored digest of the first download, if there is one."""
    pin = pin_path(path)
    return pin.read_text().split()[0] if pin.is_file() else None


def manual_steps(url: str, path: Path) -> str:
    """Return the instructions for use without a network."""
    return f"fetch {url} by other means, put it at {path}, and run this again"


def _require_safe(url: str) -> None:
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe:
        raise DataError(f"refused to download {url}: only https addresses are safe")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Handler that follows redirects only to addresses that are allowed themselves."""

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
    """Copy at most `limit` bytes, and return their number."""
    size = 0
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise DataError(
                f"{url} sent more than the expected {limit:,} bytes; nothing was stored"
            )
        with _explain_full_disk(size, file, url):
            file.write(chunk)
    with _explain_full_disk(size, file, url):
        file.flush()
    return size


@contextmanager
def _explain_full_disk(size: int, file: IO[bytes], url: str) -> Iterator[None]:
    """Report a full disk as such, not as a failure of the network."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {size:,} bytes of {url} ({error.strerror}); make room, or choose "
            "another folder with MUNJANG_CACHE",
            file=str(Path(file.name).parent),
        ) from error


@contextmanager
def _explain_failure(url: str, path: Path) -> Iterator[None]:
    """Turn failures of the network into one line that says what to do."""
    try:
        yield
    except urllib.error.HTTPError as error:
        problem = f"{url} answered {error.code} {error.reason}"
        raise DataError(f"{problem}; {manual_steps(url, path)}") from error
    except http.client.IncompleteRead as error:
        problem = f"{url} broke off with {error.expected:,} bytes missing; nothing was stored"
        raise DataError(f"{problem}: try again, or {manual_steps(url, path)}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "reason", None) or error
        problem = f"could not reach {urlsplit(url).hostname} ({reason})"
        raise DataError(f"{problem}; without a network, {manual_steps(url, path)}") from error
