"""Opening a source; the one place where it is told what goes wrong while it is read."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from munjang.data.readers.encodings import MARKS
from munjang.errors import DataError
from munjang.names import existing_path, nearest_name

STDIN = "-"
STDIN_NAME = "standard input"
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
# What packs a file otherwise than gzip, and how to unpack it.
_PACKED = {
    b"\x28\xb5\x2f\xfd": "a file packed with zstd; unpack it first, as in unzstd FILE",
    b"\xfd7zXZ\0": "a file packed with xz; unpack it first, as in unxz FILE",
    **{
        b"BZh%d1AY&SY" % level: "a file packed with bzip2; unpack it first, as in bunzip2 FILE"
        for level in range(1, 10)
    },
    b"PK\x03\x04": "a zip archive; unpack it first, or save it as CSV if it is a spreadsheet",
}
# What a source may begin with that is no text; more is read until it is known whether it does.
_FIRST_BYTES = (GZIP_MAGIC, PARQUET_MAGIC, *(mark for mark, _ in MARKS), *_PACKED)


def source_name(source: str | Path) -> str:
    """How messages name a source."""
    return STDIN_NAME if str(source) == STDIN else str(source)


@contextmanager
def open_source(source: str | Path) -> Iterator[io.BufferedReader]:
    """Open a source for reading bytes, decompressed if its first bytes are those of gzip.

    Whatever goes wrong while it is read is a `DataError` that names it. Standard input is left open
    afterwards: it is not ours to close.

    Raises:
        DataError: there is no such file, it is a folder, or it may not be read.
    """
    name = source_name(source)
    with ExitStack() as opened:
        raw: Any = sys.stdin.buffer
        if str(source) != STDIN:
            raw = opened.enter_context(_open_path(Path(source)))
        told = Told(raw, name)
        if told.head[:2] == GZIP_MAGIC:
            told = Told(gzip.GzipFile(fileobj=io.BufferedReader(told)), name)
        for mark, packed in _PACKED.items():
            if told.head.startswith(mark):
                raise DataError(f"this is {packed}", file=name)
        yield io.BufferedReader(told)


class Told(io.RawIOBase):
    """A stream whose failures are told with its name, and whose first bytes are known.

    Attributes:
        head: its first bytes, as many as tell whether they are a mark of some format; they are
            read again.
    """

    def __init__(self, inner: Any, name: str) -> None:
        self._inner, self._name = inner, name
        self._read = getattr(inner, "read1", inner.read)
        self._seekable = isinstance(inner, io.FileIO) and inner.seekable()
        self.head = b""
        # a pipe may hand out the two bytes of a mark one by one
        while any(mark.startswith(self.head) and mark != self.head for mark in _FIRST_BYTES):
            piece = self._told(self._read, 1 << 16)
            self.head += piece or b""
            if not piece:
                break
        self._again = self.head
        if self._seekable:
            self.seek(0)
            self._again = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Whether it is a file, and uncompressed."""
        return self._seekable

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place of a file."""
        return int(self._told(self._inner.seek, place, whence))

    def tell(self) -> int:
        """The place in a file."""
        return int(self._told(self._inner.tell))

    def readinto(self, buffer: Any) -> int | None:
        """Read what has come, at most as much as fits."""
        if self._again:
            piece, self._again = self._again[: len(buffer)], self._again[len(buffer) :]
        else:
            piece = self._told(self._read, len(buffer))
            if piece is None:  # nothing has come to a stream that does not wait
                return None
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        """Read the rest at once."""
        again, self._again = self._again, b""
        return again + (self._told(self._inner.read) or b"")

    def _told(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except (OSError, EOFError, zlib.error) as error:
            raise broken(self._name, error) from error


def _open_path(path: Path) -> io.FileIO:
    try:
        return existing_path(path).open("rb", buffering=0)
    except IsADirectoryError as error:
        inside = [name for name in names_in(path) if (path / name).is_file()][:5]
        shown = f"; it holds {', '.join(inside)}" if inside else ""
        raise DataError(f"expected a file, but this is a folder{shown}", file=str(path)) from error
    except FileNotFoundError as error:
        raise DataError(f"there is no such file{_nearest(path)}", file=str(path)) from error
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be opened: {error}", file=str(path)) from error


def _nearest(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"; the folder {folder} does not exist either"
    close = nearest_name(path.name, names_in(folder), cutoff=0.5)
    return f"; the nearest name in that folder is {close}" if close else ""


def names_in(folder: Path) -> list[str]:
    """What stands in a folder, by name; nothing where it may not be looked into."""
    with suppress(OSError):
        return sorted(path.name for path in folder.iterdir())
    return []


def broken(name: str, error: Exception) -> DataError:
    """What to say about a source that breaks off while it is read."""
    return DataError(
        f"cannot be read to its end ({error}); if it is a gzip file it is damaged or cut off: "
        "copy or download it again",
        file=name,
    )
