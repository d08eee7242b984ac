"""A text file as bytes of UTF-8, and the way back to its own encoding and compression."""

import codecs
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from munjang.data.readers.encodings import MARKS, Decoder, detect_codec, resolve_codec
from munjang.data.readers.line_ends import CR, CRLF, LF, normalize_line_ends
from munjang.data.readers.source import GZIP_MAGIC, PARQUET_MAGIC, open_source, source_name
from munjang.errors import DataError
from munjang.names import find_existing_path

# What to replace a range of bytes by: its start, its end, and the new bytes.
Edit = tuple[int, int, bytes]

# Codecs that write the byte order that a mark stands for.
_BY_MARK = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class Original:
    """Content of a file.

    Attributes:
        name: name of the file, for messages.
        data: UTF-8 with the line ends of the file, or a whole Parquet file.
        mark: byte order mark of the file.
        codec: its encoding, without a mark.
        is_packed: True if the file is packed with gzip.
    """

    name: str
    data: bytes
    mark: bytes = b""
    codec: str = "utf-8"
    is_packed: bool = False

    @property
    def is_parquet(self) -> bool:
        """True for a Parquet file."""
        return self.data.startswith(PARQUET_MAGIC)

    @property
    def lines(self) -> bytes:
        """The data with LF or CRLF as line ends, and every byte at its place.

        Raises:
            DataError: lone CRs and CRLFs end lines of the file.
        """
        converted = normalize_line_ends(self.data)
        if len(converted) != len(self.data):
            if CRLF not in self.data:  # CRs alone end lines
                return self.data.replace(CR, LF)
            raise DataError(
                "lines end with CR and with CRLF, so that places in the file are not certain; "
                "save it with one kind of line ends",
                file=self.name,
            )
        return converted

    def edit(self, edits: Iterable[Edit]) -> bytes:
        """Return the file with some ranges of `data` replaced, in its encoding and compression.

        Args:
            edits: ranges that do not overlap, and what replaces them.

        Raises:
            DataError: new bytes have no place in the encoding of the file.
        """
        parts, place = [], 0
        for start, end, new in sorted(edits):
            assert start >= place, "two edits overlap"
            parts += [self.data[place:start], new]
            place = end
        data = b"".join([*parts, self.data[place:]])
        if self.codec != "utf-8":
            try:
                data = data.decode().encode(self.codec)
            except UnicodeEncodeError as error:
                character = error.object[error.start]
                raise DataError(
                    f"the encoding {self.codec} has no {character!r}; convert the file to UTF-8",
                    file=self.name,
                ) from None
        return self.pack(self.mark + data)

    def pack(self, data: bytes) -> bytes:
        """Return bytes as the file has them: packed, if it is."""
        return gzip.compress(data, mtime=0) if self.is_packed else data


def read_original(source: str | Path, encoding: str = "utf-8") -> Original:
    """Read a whole file.

    Args:
        source: a path.
        encoding: encoding of a text file; a byte order mark wins over it.

    Raises:
        DataError: the file cannot be read, or could not be written back unchanged.
        ConfigError: no encoding has that name.
    """
    requested, name = resolve_codec(encoding), source_name(source)
    with open_source(source) as stream:
        data = stream.read()
    with find_existing_path(source).open("rb") as file:
        is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    if data.startswith(PARQUET_MAGIC):
        return Original(name, data, is_packed=is_packed)
    detect_codec(data, requested, name=name)
    mark, codec = next(
        ((mark, _BY_MARK.get(mark, "utf-8")) for mark, _ in MARKS if data.startswith(mark)),
        (b"", "utf-8" if requested == "utf-8-sig" else requested),
    )
    body = data[len(mark) :]
    if codec == "utf-8":  # bad bytes stay where they are
        return Original(name, body, mark, codec, is_packed)
    return Original(name, _to_utf8(name, body, codec), mark, codec, is_packed)


def _to_utf8(name: str, body: bytes, codec: str) -> bytes:
    try:
        text = Decoder(codec).decode(body)
        is_same = text.encode(codec) == body
    except UnicodeError:
        is_same = False
    if not is_same:
        raise DataError(
            f"the file cannot be written back unchanged in the encoding {codec}; convert it to "
            "UTF-8",
            file=name,
        )
    return text.encode()
