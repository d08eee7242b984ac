"""Files of a model folder: regular files only, checked against their size and SHA-256."""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from munjang.errors import FolderError
from munjang.folder.manifest import FILE as MANIFEST

_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # not on Windows; regular files never block
CHUNK_BYTES = 4_000_000


@dataclass
class CheckedFile:
    """A file that is read from beginning to end while its SHA-256 is computed."""

    path: Path
    size: int
    file: BinaryIO
    digest: Any = field(default_factory=hashlib.sha256)

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            FolderError: the file is shorter.
        """
        data = bytearray(count)
        self.read_into(memoryview(data))
        return bytes(data)

    def read_into(self, memory: memoryview) -> None:
        """Fill `memory`, a view of bytes, with the next bytes; raises as `read`."""
        for start in range(0, len(memory), CHUNK_BYTES):
            part = memory[start : start + CHUNK_BYTES]
            if self.file.readinto(part) != len(part):  # type: ignore[attr-defined]
                raise altered_error(self.path)
            self.digest.update(part)

    def skip_rest(self) -> None:
        """Read the rest of the file."""
        while part := self.file.read(CHUNK_BYTES):
            self.digest.update(part)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file: a pipe might block, and a device never ends."""
    regular_size(path)

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | _NONBLOCK)

    file = open(path, "rb", opener=opener)  # noqa: SIM115 (the caller closes it)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _other_kind_error(path)
    return file


def regular_size(path: Path) -> int:
    """Return the size in bytes of a regular file, or of the target of a link.

    Raises:
        FileNotFoundError: the manifest is missing.
        FolderError: another file is missing, or is no regular file.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.name == MANIFEST:
            raise
        raise FolderError(
            f"{path}: this file of the model is missing; copy the whole folder"
        ) from None
    except OSError as error:  # such as circular links
        raise FolderError(f"{path}: cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise _other_kind_error(path)
    return status.st_size


def _other_kind_error(path: Path) -> FolderError:
    return FolderError(f"{path}: expected a regular file; copy the whole folder")


def altered_error(path: Path) -> FolderError:
    """Return the error of a file that differs from the manifest."""
    return FolderError(
        f"{path}: this file is not the one that was saved (its checksum differs); "
        "copy the folder again or train anew"
    )
