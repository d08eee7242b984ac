"""Whole content of a file or standard input, as UTF-8 bytes."""

from dataclasses import dataclass
from pathlib import Path

from munjang.data.readers.encodings import (
    Decoder,
    decode_error,
    detect_codec,
    resolve_codec,
)
from munjang.data.readers.line_ends import normalize_line_ends, row_at
from munjang.data.readers.source import PARQUET_MAGIC, open_source, source_name
from munjang.errors import DataError


@dataclass(frozen=True)
class Content:
    """Content of one source.

    Attributes:
        name: for messages: the path as given, or "standard input".
        data: UTF-8 without a byte order mark, or a whole Parquet file.
        suspect: True if some rows hold NUL or invalid bytes and must be looked for (only where bad
            rows may be skipped; otherwise the first has already been reported).
        notes: assumptions made.
    """

    name: str
    data: bytes
    suspect: bool = False
    notes: tuple[str, ...] = ()


def load_content(
    source: str | Path, *, encoding: str = "utf-8", skip_bad_rows: bool = False
) -> Content:
    """Read a whole source into memory as UTF-8.

    Args:
        source: a path, or "-" for standard input.
        encoding: any text encoding that Python knows; a byte order mark wins over it.
        skip_bad_rows: keep invalid and NUL bytes for later, as `suspect`, instead of raising.

    Raises:
        DataError: the source cannot be opened, is empty, is a broken gzip, does not decode, or
            holds NUL bytes.
        ConfigError: no encoding has that name.
    """
    codec = resolve_codec(encoding)
    name = source_name(source)
    with open_source(source) as stream:
        data = stream.read()
    if not data:
        raise DataError("the file is empty; expected rows", file=name)
    if data.startswith(PARQUET_MAGIC):
        return Content(name, data)
    return _as_utf8(name, data, codec, skip_bad_rows)


def _as_utf8(name: str, data: bytes, requested: str, skip: bool) -> Content:
    codec, mark = detect_codec(data, requested, name=name)
    is_marked = codec not in (requested, "utf-8")
    notes = (f"read as {codec}, because of its byte order mark",) if is_marked else ()
    data = data[mark:]
    suspect = False
    try:
        text = Decoder(codec).decode(data)
    except UnicodeDecodeError as error:
        if not skip:
            raise decode_error(name, data, codec, error.start, mark) from error
        suspect = True
        data = data if codec == "utf-8" else Decoder(codec, skip=True).to_utf8(data, final=True)
    else:
        data = data if codec == "utf-8" else text.encode()
    if b"\0" in data:
        if not skip:
            raise _nul_error(name, data)
        suspect = True
    if not data or data.isspace():
        raise DataError("the file is empty; expected rows", file=name)
    return Content(name, normalize_line_ends(data), suspect, notes)


def _nul_error(name: str, data: bytes) -> DataError:
    offset = data.index(b"\0")
    is_utf16 = data.count(b"\0") * 5 > len(data)
    hint = (
        "it looks like UTF-16 without a byte order mark: try --encoding utf-16-le"
        if is_utf16
        else "text never holds one, so the file is damaged or not text"
    )
    return DataError(f"a NUL byte at byte {offset:,}; {hint}", file=name, row=row_at(data, offset))
