"""From a path or standard input to UTF-8 bytes: opening, gzip, encodings, byte order marks."""

import codecs
import difflib
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.errors import ConfigError, DataError

STDIN = "-"
STDIN_NAME = "standard input"
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Loaded:
    """The content of one source.

    Attributes:
        name: for messages: the path as given, or "standard input".
        data: UTF-8 without a byte order mark, or a whole Parquet file.
        suspect: some rows hold NUL or invalid bytes and must be looked for (only when bad rows
            may be skipped; otherwise the first of them has already been reported).
        notes: what was assumed.
    """

    name: str
    data: bytes
    suspect: bool = False
    notes: tuple[str, ...] = ()


def load(source: str | Path, *, encoding: str = "utf-8", skip_bad_rows: bool = False) -> Loaded:
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
    codec = text_codec(encoding)
    with open_source(source) as stream:
        name = source_name(source)
        try:
            data = stream.read()
        except (OSError, EOFError, zlib.error) as error:
            raise broken(name, error) from error
    if not data:
        raise DataError("the file is empty; expected a header and rows", file=name)
    if data.startswith(PARQUET_MAGIC):
        return Loaded(name, data)
    return _as_utf8(name, data, codec, skip_bad_rows)


def source_name(source: str | Path) -> str:
    """How messages name a source."""
    return STDIN_NAME if str(source) == STDIN else str(source)


@contextmanager
def open_source(source: str | Path) -> Iterator[io.BufferedReader]:
    """Open a source for reading bytes, decompressed if its first bytes are those of gzip.

    Standard input is left open afterwards: it is not ours to close.

    Raises:
        DataError: there is no such file, it is a folder, or it may not be read.
    """
    with ExitStack() as opened:
        if str(source) == STDIN:
            stream = _open_stdin(opened)
        else:
            stream = opened.enter_context(_open_path(Path(source)))
        if stream.peek(2)[:2] == GZIP_MAGIC:
            stream = io.BufferedReader(opened.enter_context(gzip.GzipFile(fileobj=stream)))
        yield stream


def _open_stdin(opened: ExitStack) -> io.BufferedReader:
    raw: Any = sys.stdin.buffer
    if isinstance(raw, io.BufferedReader):
        return raw
    # A test or a notebook has put another object in place of standard input.
    stream = io.BufferedReader(raw)
    opened.callback(stream.detach)
    return stream


def _open_path(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except IsADirectoryError as error:
        inside = sorted(p.name for p in path.iterdir() if p.is_file())[:5]
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
    names = [p.name for p in folder.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    return f"; the nearest name in that folder is {close[0]}" if close else ""


def first_bytes(stream: io.BufferedReader, name: str) -> bytes:
    """What a stream begins with, left to be read again.

    Raises:
        DataError: it is compressed, and broken.
    """
    try:
        return stream.peek(1 << 16)
    except (OSError, EOFError, zlib.error) as error:
        raise broken(name, error) from error


def broken(name: str, error: Exception) -> DataError:
    """What to say about a source that breaks off while it is read."""
    return DataError(
        f"cannot be read to its end ({error}); if it is a gzip file it is damaged or cut off: "
        "copy or download it again",
        file=name,
    )


def text_codec(encoding: str) -> str:
    """Python's own name of a text encoding.

    Raises:
        ConfigError: there is no such text encoding.
    """
    try:
        "".encode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        close = difflib.get_close_matches(encoding, ["utf-8", "cp949", "euc-kr", "utf-16"], n=1)
        hint = f"; did you mean {close[0]}?" if close else "; for Korean try utf-8 or cp949"
        raise ConfigError(f"there is no text encoding named {encoding!r}{hint}") from error


def marked_codec(head: bytes, codec: str) -> tuple[str, int]:
    """The codec that a byte order mark names, else `codec`; and the length of a UTF-8 mark."""
    for mark, named in _MARKS:
        if head.startswith(mark):
            return named, len(mark) if named == "utf-8" else 0
    return ("utf-8", 0) if codec == "utf-8-sig" else (codec, 0)


def _as_utf8(name: str, data: bytes, given: str, skip: bool) -> Loaded:
    codec, mark = marked_codec(data, given)
    marked = codec not in (given, "utf-8")
    notes = (f"read as {codec}: the byte order mark says so",) if marked else ()
    data = data[mark:]
    suspect = False
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        if not skip:
            raise _undecodable(name, data, codec, error.start, mark) from error
        suspect = True
        if codec != "utf-8":
            # 0xFF never stands in UTF-8: it marks the rows that did not decode.
            replaced = data.decode(codec, errors="replace").encode()
            data = replaced.replace("\ufffd".encode(), b"\xff")
    else:
        data = data if codec == "utf-8" else text.encode()
    if b"\r" in data and b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    if b"\0" in data:
        if not skip:
            raise _holds_nul(name, data)
        suspect = True
    if not data or data.isspace():
        raise DataError("the file is empty; expected a header and rows", file=name)
    return Loaded(name, data, suspect, notes)


def _undecodable(name: str, data: bytes, codec: str, offset: int, mark: int) -> DataError:
    hint = next(
        (
            f"it decodes as {other}: try --encoding {other}"
            for other in ("utf-8", "cp949")
            if other != codec and _decodes(data, other)
        ),
        "name its encoding with --encoding (cp949 for Korean, cp1252 for Western Europe)",
    )
    shown = "UTF-8" if codec == "utf-8" else codec
    return DataError(
        f"not valid {shown} at byte {offset + mark:,} (0x{data[offset]:02x}); {hint}, or leave "
        "such rows out with --skip-bad-rows (skip_bad_rows=True)",
        file=name,
        row=data[:offset].decode(codec, errors="ignore").count("\n") + 1,
    )


def _decodes(data: bytes, codec: str) -> bool:
    """Whether bytes decode, and, for cp949, whether that gives Korean: any bytes give something."""
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return False
    foreign = [c for c in text[:1_000_000] if c > "\x7f"]
    hangul = sum("가" <= c <= "힣" for c in foreign)
    return codec != "cp949" or 2 * hangul > len(foreign)


def _holds_nul(name: str, data: bytes) -> DataError:
    offset = data.index(b"\0")
    many = data.count(b"\0") * 5 > len(data)
    hint = (
        "it looks like UTF-16 without a byte order mark: try --encoding utf-16-le"
        if many
        else "text never holds one, so the file is damaged or not text"
    )
    return DataError(
        f"a NUL byte at byte {offset:,}; {hint}", file=name, row=data.count(b"\n", 0, offset) + 1
    )
