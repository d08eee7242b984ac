"""Line reader of a stream that knows whether the next line has already arrived."""

import io
from collections import deque
from collections.abc import Callable, Iterator

from munjang.data.readers.encodings import Decoder
from munjang.data.readers.line_ends import LF, LineEnds
from munjang.errors import DataError

CHUNK = 1 << 16


def any_row(row: int) -> bool:
    """Return True: no row is passed over."""
    return True


class LineStream:
    r"""Iterable of the decoded lines of a byte stream, without their "\n".

    Line ends are those of `munjang.data.readers.line_ends`; the "\r" of a "\r\n" is kept.

    Attributes:
        row: 1-based number of the last line returned or passed over.
        is_wanted: whether the line of a number is returned; others are passed over.
        is_suspect: True once a line has arrived that does not decode, or holds a NUL.
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
        # a line that does not decode stays bytes
        self._arrived: deque[str | bytes] = deque()
        self._rest = bytearray()
        self._offset = mark  # bytes before the rest
        self._ends = LineEnds()
        # line ends are looked for in UTF-8: in other encodings they may be other bytes
        self._decoder = None if codec == "utf-8" else Decoder(codec, skip=True)
        self._ended = False
        self.is_suspect = False

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
        return LF.join([*map(_to_bytes, self._arrived), bytes(self._rest)])

    def __iter__(self) -> Iterator[str]:
        arrived = self._arrived
        while arrived or not self._ended:
            if not arrived:
                self._wait()
                continue
            line = arrived.popleft()
            self.row += 1
            if self.is_wanted is any_row or self.is_wanted(self.row):
                yield line if isinstance(line, str) else self._decode(line)

    def _decode(self, line: bytes) -> str:
        """Return a line that does not decode with its invalid bytes as lone surrogates.

        Raises:
            DataError: the lines are strict.
        """
        try:
            return line.decode(errors="strict" if self._strict else "surrogateescape")
        except UnicodeDecodeError as error:
            following = sum(len(_to_bytes(other)) + 1 for other in self._arrived)
            start = self._offset - following - len(line) - 1 + error.start
            place = f" at byte {start:,} (0x{line[error.start]:02x})"
            raise DataError(
                f"not valid {self._codec}{'' if self._decoder else place}; name the encoding with "
                "--encoding (cp949 for Korean)",
                file=self.name,
                row=self.row,
            ) from error

    def _wait(self) -> None:
        """Read what has arrived, or wait until something does."""
        chunk = self._stream.read1(CHUNK)
        data = chunk if self._decoder is None else self._decoder.to_utf8(chunk, final=not chunk)
        data = self._ends.feed(data)
        self._rest += data
        if LF in data:
            end = self._rest.rindex(LF)
            self._arrive(bytes(self._rest[:end]))
            del self._rest[: end + 1]
        self._ended = not chunk
        if self._ended and self._rest:
            self._arrive(bytes(self._rest))
            self._rest = bytearray()

    def _arrive(self, lines: bytes) -> None:
        """Add lines, decoded at once: one by one takes ten times as long."""
        self._offset += len(lines) + 1
        self.is_suspect = self.is_suspect or b"\0" in lines
        try:
            self._arrived.extend(lines.decode().split("\n"))
        except UnicodeDecodeError:
            self.is_suspect = True
            self._arrived.extend(map(_decode_if_valid, lines.split(LF)))


def _to_bytes(line: str | bytes) -> bytes:
    return line.encode() if isinstance(line, str) else line


def _decode_if_valid(line: bytes) -> str | bytes:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line
