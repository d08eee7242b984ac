"""Lines of a stream, with the knowledge of whether the next one has already arrived."""

import io
from collections import deque

from munjang.data.readers.encodings import Decoder
from munjang.data.readers.line_ends import LF, LineEnds
from munjang.errors import DataError

CHUNK = 1 << 16


class Lines:
    r"""Iterate over the lines of a byte stream, decoded, without their "\n".

    Where lines end, `munjang.data.readers.line_ends` says; the "\r" of a "\r\n" is left.

    Attributes:
        row: 1-based number of the line handed out last.
    """

    def __init__(
        self, stream: io.BufferedReader, codec: str, *, name: str, strict: bool, mark: int = 0
    ) -> None:
        """Wrap a stream.

        Args:
            stream: bytes, after any UTF-8 byte order mark.
            codec: the encoding of the lines.
            name: of the stream, for messages.
            strict: raise at a line that does not decode; otherwise its invalid bytes become lone
                surrogates, which the caller finds.
            mark: bytes of the mark before the stream, for messages.
        """
        self.row = 0
        self.name = name
        self._stream, self._codec, self._strict = stream, codec, strict
        self._arrived: deque[bytes] = deque()
        self._rest = bytearray()
        self._offset = mark
        self._ends = LineEnds()
        # the ends of lines are looked for in UTF-8: elsewhere they may be other bytes, or two
        self._decoder = None if codec == "utf-8" else Decoder(codec, skip=True)
        self._ended = False

    @property
    def ready(self) -> bool:
        """Whether the next line is here, so that asking for it does not wait."""
        return bool(self._arrived)

    def head(self) -> bytes:
        """The beginning in UTF-8, up to the first line that is not blank or further; it is kept."""
        while not self._ended and not any(line.strip() for line in self._arrived):
            if len(self._rest) >= CHUNK:
                break
            self._wait()
        return LF.join([*self._arrived, bytes(self._rest)])

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        while not self._arrived:
            if self._ended:
                raise StopIteration
            self._wait()
        line = self._arrived.popleft()
        self.row += 1
        start, self._offset = self._offset, self._offset + len(line) + 1
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            if not self._strict:
                return line.decode(errors="surrogateescape")
            place = f" at byte {start + error.start:,} (0x{line[error.start]:02x})"
            raise DataError(
                f"not valid {self._codec}{'' if self._decoder else place}; name the encoding with "
                "--encoding (cp949 for Korean)",
                file=self.name,
                row=self.row,
            ) from error

    def _wait(self) -> None:
        """Take what has arrived, or wait until something does."""
        chunk = self._stream.read1(CHUNK)
        data = chunk if self._decoder is None else self._decoder.to_utf8(chunk, final=not chunk)
        data = self._ends.feed(data)
        self._rest += data
        if LF in data:
            *whole, rest = self._rest.split(LF)
            self._arrived.extend(bytes(line) for line in whole)
            self._rest = rest
        self._ended = not chunk
        if self._ended and self._rest:
            self._arrived.append(bytes(self._rest))
            self._rest = bytearray()
