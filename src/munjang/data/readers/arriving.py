"""Lines of a stream, with the knowledge of whether the next one has already arrived."""

import codecs
import io
import zlib
from collections import deque
from collections.abc import Callable

from munjang.data.readers.sources import broken
from munjang.errors import DataError

CHUNK = 1 << 16


class Lines:
    r"""Iterate over the lines of a byte stream, decoded, without their "\n".

    Attributes:
        row: 1-based number of the line handed out last.
    """

    def __init__(self, stream: io.BufferedReader, codec: str, *, name: str, strict: bool) -> None:
        """Wrap a stream.

        Args:
            stream: bytes, after any UTF-8 byte order mark.
            codec: the encoding of the lines.
            name: of the stream, for messages.
            strict: raise at a line that does not decode; otherwise its invalid bytes become lone
                surrogates, which the caller finds.
        """
        self.row = 0
        self.name = name
        self._stream, self._codec, self._strict = stream, codec, strict
        self._arrived: deque[bytes] = deque()
        self._rest = bytearray()
        self._offset = 0
        # Newlines of wide encodings are more than one byte: those are turned to UTF-8 first.
        wide = codec.startswith(("utf-16", "utf-32"))
        self._widen: Callable[[bytes, bool], str] | None = (
            codecs.getincrementaldecoder(codec)().decode if wide else None
        )

    @property
    def ready(self) -> bool:
        """Whether the next line is here, so that asking for it does not wait."""
        return bool(self._arrived)

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        while not self._arrived:
            self._wait()
        line = self._arrived.popleft()
        self.row += 1
        start, self._offset = self._offset, self._offset + len(line) + 1
        codec = "utf-8" if self._widen else self._codec
        try:
            return line.decode(codec)
        except UnicodeDecodeError as error:
            if not self._strict:
                return line.decode(codec, errors="surrogateescape")
            raise DataError(
                f"not valid {codec} at byte {start + error.start:,} (0x{line[error.start]:02x}); "
                "name the encoding with --encoding (cp949 for Korean)",
                file=self.name,
                row=self.row,
            ) from error

    def _wait(self) -> None:
        """Take what has arrived, or wait until something does."""
        try:
            chunk = self._stream.read1(CHUNK)
            data = self._widen(chunk, not chunk).encode() if self._widen else chunk
        except UnicodeError as error:  # of UTF-16 without its mark it is no UnicodeDecodeError
            message = f"not valid {self._codec} ({getattr(error, 'reason', error)})"
            raise DataError(message, file=self.name, row=self.row + 1) from error
        except (OSError, EOFError, zlib.error) as error:
            raise broken(self.name, error) from error
        self._rest += data
        if b"\n" in data:
            *whole, rest = self._rest.split(b"\n")
            self._arrived.extend(bytes(line) for line in whole)
            self._rest = rest
        if not chunk:
            if not self._rest:
                raise StopIteration
            self._arrived.append(bytes(self._rest))
            self._rest = bytearray()
