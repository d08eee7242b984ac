"""Byte streams of files and standard input, whose errors name the source."""

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
from munjang.names import find_existing_path, nearest_name

STDIN = "-"
STDIN_NAME = "standard input"
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
# First bytes of compressed files other than gzip: what the file is, and how to unpack it.
_PACKED = {
    b"\x28\xb5\x2f\xfd": "a file packed with zstd; unpack it first, as in unzstd FILE",
    b"\xfd7zXZ\0": "a file packed with xz; unpack it first, as in unxz FILE",
    **{
        b"BZh%d1AY&SY" % level: "a file packed with bzip2; unpack it first, as in bunzip2 FILE"
        for level in range(1, 10)
    },
    b"PK\x03\x04": "a zip archive; unpack it first, or save it as CSV if it is a spreadsheet",
}
# First bytes of formats other than text; the stream is read until each of them is ruled out.
_SIGNATURES = (GZIP_MAGIC, PARQUET_MAGIC, *(mark for mark, _ in MARKS), *_PACKED)


def source_name(source: str | Path) -> str:
    """Return the name of a source for messages."""
    return STDIN_NAME if str(source) == STDIN else str(source)


@contextmanager
def open_source(source: str | Path) -> Iterator[io.BufferedReader]:
    """Open a source for reading bytes, decompressed if it is gzip.

    Every failure to read it raises a `DataError` that names it. Standard input is not closed
    afterwards.

    Raises:
        DataError: there is no such file, it is a folder, its compression is not gzip, or it cannot
            be read.
    """
    name = source_name(source)
    with ExitStack() as stack:
        raw: Any = sys.stdin.buffer
        if str(source) != STDIN:
            raw = stack.enter_context(_open_path(Path(source)))
        stream = SourceStream(raw, name)
        if stream.head[:2] == GZIP_MAGIC:
            stream = SourceStream(gzip.GzipFile(fileobj=io.BufferedReader(stream)), name)
        for mark, packed in _PACKED.items():
            if stream.head.startswith(mark):
                raise DataError(f"this is {packed}", file=name)
        yield io.BufferedReader(stream)


class SourceStream(io.RawIOBase):
    """Byte stream whose errors name the source, and whose first bytes are known.

    Args:
        inner: the stream to wrap.
        name: name of the source, for messages.

    Attributes:
        head: first bytes, enough to recognize the formats in `_SIGNATURES`; reading starts with
            them.
    """

    def __init__(self, inner: Any, name: str) -> None:
        self._inner, self._name = inner, name
        self._read = getattr(inner, "read1", inner.read)
        self._seekable = isinstance(inner, io.FileIO) and inner.seekable()
        self.head = b""
        # a pipe may hand out the two bytes of a mark one by one
        while any(mark.startswith(self.head) and mark != self.head for mark in _SIGNATURES):
            piece = self._call(self._read, 1 << 16)
            self.head += piece or b""
            if not piece:
                break
        self._again = self.head
        if self._seekable:
            self.seek(0)
            self._again = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether the source is an uncompressed file."""
        return self._seekable

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Move to another place of a file."""
        return int(self._call(self._inner.seek, place, whence))

    def tell(self) -> int:
        """Return the place in a file."""
        return int(self._call(self._inner.tell))

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived, at most as much as fits."""
        if self._again:
            piece, self._again = self._again[: len(buffer)], self._again[len(buffer) :]
        else:
            piece = self._call(self._read, len(buffer))
            if piece is None:  # nothing has arrived on a non-blocking stream
                return None
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        """Return the rest at once."""
        again, self._again = self._again, b""
        return again + (self._call(self._inner.read) or b"")

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (OSError, EOFError, zlib.error) as error:
            raise read_error(self._name, error) from error


def _open_path(path: Path) -> io.FileIO:
    try:
        return find_existing_path(path).open("rb", buffering=0)
    except IsADirectoryError as error:
        files = [name for name in list_names(path) if (path / name).is_file()][:5]
        listing = f"; it holds {', '.join(files)}" if files else ""
        raise DataError(
            f"expected a file, but this is a folder{listing}", file=str(path)
        ) from error
    except FileNotFoundError as error:
        raise DataError(f"there is no such file{_suggest_name(path)}", file=str(path)) from error
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be opened: {error}", file=str(path)) from error


def _suggest_name(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"; the folder {folder} does not exist either"
    close = nearest_name(path.name, list_names(folder), cutoff=0.5)
    return f"; the nearest name in that folder is {close}" if close else ""


def list_names(folder: Path) -> list[str]:
    """Return the sorted names of a folder's entries; empty if it cannot be listed."""
    with suppress(OSError):
        return sorted(path.name for path in folder.iterdir())
    return []


def read_error(name: str, error: Exception) -> DataError:
    """Return the error about a source that fails while it is read."""
    return DataError(
        f"cannot be read to its end ({error}); if it is a gzip file it is damaged or cut off: "
        "copy or download it again",
        file=name,
    )
