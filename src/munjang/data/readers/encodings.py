"""Text encodings: by name, by byte order mark, and errors that suggest another."""

import codecs
import difflib

from munjang.data.readers.line_ends import row_at
from munjang.errors import ConfigError, DataError

# UTF-32 first: its little-endian mark begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_HOST_NAME_CODECS = {"idna", "punycode"}
_MAX_SHOWN = 80


def resolve_codec(encoding: str) -> str:
    """Return Python's canonical name of a text encoding.

    Raises:
        ConfigError: there is no such text encoding.
    """
    try:
        "".encode(encoding)
        # codecs for domain names refuse whole lines and have no error handlers
        if codecs.lookup(encoding).name not in _HOST_NAME_CODECS:
            return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        pass
    shown = encoding if len(encoding) <= _MAX_SHOWN else f"{encoding[: _MAX_SHOWN - 3]}..."
    close = difflib.get_close_matches(shown, ["utf-8", "cp949", "euc-kr", "utf-16"], n=1)
    hint = f"; did you mean {close[0]}?" if close else "; for Korean try utf-8 or cp949"
    raise ConfigError(f"there is no text encoding named {shown!r}{hint}")


def detect_codec(head: bytes, codec: str, *, name: str) -> tuple[str, int]:
    """Return the codec that a byte order mark names, else `codec`, and the length of a UTF-8 mark.

    Args:
        head: first bytes of the content.
        codec: the requested codec.
        name: name of the source, for messages.

    Raises:
        DataError: the codec needs a mark, and there is none.
    """
    for mark, named in MARKS:
        if head.startswith(mark):
            return named, len(mark) if named == "utf-8" else 0
    if codec in ("utf-16", "utf-32") and head:
        raise DataError(
            f"not valid {codec}: there is no byte order mark; name {codec}-le or {codec}-be with "
            "--encoding",
            file=name,
            row=1,
        )
    return ("utf-8", 0) if codec == "utf-8-sig" else (codec, 0)


class Decoder:
    """Incremental decoder of one encoding.

    Args:
        codec: Python's name of the encoding.
        skip: decode invalid bytes to a lone surrogate, which marks their row, instead of raising.
    """

    def __init__(self, codec: str, *, skip: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder(codec)("munjang-mark" if skip else "strict")

    def decode(self, data: bytes) -> str:
        """Decode all of the content at once.

        Raises:
            UnicodeError: the content is not valid; a `UnicodeDecodeError` holds the place.
        """
        return self._decoder.decode(data, True)

    def to_utf8(self, data: bytes, *, final: bool) -> bytes:
        """Recode the next piece as UTF-8; invalid bytes become 0xFF, which UTF-8 never contains.

        Raises:
            UnicodeError: the piece is not valid, and the decoder does not skip.
        """
        return self._decoder.decode(data, final).encode(errors="surrogateescape")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("munjang-mark", _mark)


def decode_error(name: str, data: bytes, codec: str, offset: int, mark: int) -> DataError:
    """Return the error about content that is not valid in an encoding.

    Args:
        name: name of the source.
        data: content after the byte order mark.
        codec: the encoding that was tried.
        offset: place of the first invalid byte in `data`.
        mark: length of the byte order mark.
    """
    hint = next(
        (
            f"it decodes as {other}: try --encoding {other}"
            for other in ("utf-8", "cp949")
            if other != codec and _decodes(data, other)
        ),
        "name its encoding with --encoding (cp949 for Korean, cp1252 for Western Europe)",
    )
    shown = "UTF-8" if codec == "utf-8" else codec
    before = data[:offset].decode(codec, errors="ignore").encode()
    return DataError(
        f"not valid {shown} at byte {offset + mark:,} (0x{data[offset]:02x}); {hint}, or leave "
        "such rows out with --skip-bad-rows (skip_bad_rows=True)",
        file=name,
        row=row_at(before, len(before)),
    )


def _decodes(data: bytes, codec: str) -> bool:
    """Return whether bytes decode; with cp949, which accepts most bytes, mostly to Hangul."""
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return False
    foreign = [c for c in text[:1_000_000] if c > "\x7f"]
    hangul = sum("가" <= c <= "힣" for c in foreign)
    return codec != "cp949" or 2 * hangul > len(foreign)
