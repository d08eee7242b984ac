"""Line reader of a stream that knows whether the next line has already arrived."""

import io
from collections import deque
from collections.abc import Callable

from munjang.data.readers.encodings import Decoder
from munjang.data.readers.line_ends import LF, LineEnds
from munjang.errors import DataError

CHUNK = 1 << 16


def any_row(row: int) -> bool:
    """Return True: no row is passed over."""
    return True


class LineStream:
    r"""Iterator over the decoded lines of a byte stream, without their "\n".

    Line ends are those of `munjang.data.readers.line_ends`; the "\r" of a "\r\n" is kept.

    Attributes:
        row: 1-based number of the last line returned or passed over.
        is_wanted: whether the line of a number is returned; others are passed over undecoded.
    """

    def __init__(
        self, stream: io.BufferedReader, codec: str, *, name: str, strict: bool, mark: int = 0
    ) -> None:
        """Wrap a stream.

        Args:
            stream: byte stream, after any UTF-8 byte order mark.
            codec: encoding of the lines.
            name: name of the stream, for messages.
            strict: raise at a line that does not decode; otherwise its invalid bytes become lone
                surrogates, which the caller looks for.
            mark: length in bytes of the mark before the stream, for messages.
        """
        self.row = 0
        self.is_wanted: Callable[[int], bool] = any_row
        self.name = name
        self._stream, self._codec, self._strict = stream, codec, strict
        self._arrived: deque[bytes] = deque()
        self._rest = bytearray()
        self._offset = mark
        self._ends = LineEnds()
        # line ends are looked for in UTF-8: in other encodings they may be other bytes
        self._decoder = None if codec == "utf-8" else Decoder(codec, skip=True)
        self._ended = False

    @property
    def is_ready(self) -> bool:
        """True if the next line has arrived, so that reading it does not wait."""
        return bool(self._arrived)

    def head(self) -> bytes:
        """Return the start in UTF-8, at least to the first nonblank line, without consuming it."""
        while not self._ended and not any(line.strip() for line in self._arrived):
            if len(self._rest) >= CHUNK:
                break
            self._wait()
        return LF.join([*self._arrived, bytes(self._rest)])

    def __iter__(self) -> "LineStream":
        return self

    def __next__(self) -> str:
        line = self._next_line()
        while self.is_wanted is not any_row and not self.is_wanted(self.row):
            line = self._next_line()
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            if not self._strict:
                return line.decode(errors="surrogateescape")
            start = self._offset - len(line) - 1
            place = f" at byte {start + error.start:,} (0x{line[error.start]:02x})"
            raise DataError(
                f"not valid {self._codec}{'' if self._decoder else place}; name the encoding with "
                "--encoding (cp949 for Korean)",
                file=self.name,
                row=self.row,
            ) from error

    def _next_line(self) -> bytes:
        while not self._arrived:
            if self._ended:
                raise StopIteration
            self._wait()
        line = self._arrived.popleft()
        self.row += 1
        self._offset += len(line) + 1
        return line

    def _wait(self) -> None:
        """Read what has arrived, or wait until something does."""
        chunk = self._stream.read1(CHUNK)
        data = chunk if self._decoder is None else self._decoder.to_utf8(chunk, final=not chunk)
        data = self._ends.feed(data)
        self._rest += data
        if LF in data:
            *whole, rest = bytes(self._rest).split(LF)
            self._arrived.extend(whole)
            self._rest = bytearray(rest)
        self._ended = not chunk
        if self._ended and self._rest:
            self._arrived.append(bytes(self._rest))
            self._rest = bytearray()
