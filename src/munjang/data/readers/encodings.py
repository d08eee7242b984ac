"""Encodings of text: by name, by byte order mark, and what to say where one does not fit."""

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

_NAMES_OF_HOSTS = {"idna", "punycode"}
_SHOWN = 80


def text_codec(encoding: str) -> str:
    """Python's own name of a text encoding.

    Raises:
        ConfigError: there is no such text encoding.
    """
    try:
        "".encode(encoding)
        # of domain names, not of texts: it refuses whole lines, and has no way with what is invalid
        if codecs.lookup(encoding).name not in _NAMES_OF_HOSTS:
            return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        pass
    shown = encoding if len(encoding) <= _SHOWN else f"{encoding[: _SHOWN - 3]}..."
    close = difflib.get_close_matches(shown, ["utf-8", "cp949", "euc-kr", "utf-16"], n=1)
    hint = f"; did you mean {close[0]}?" if close else "; for Korean try utf-8 or cp949"
    raise ConfigError(f"there is no text encoding named {shown!r}{hint}")


def marked_codec(head: bytes, codec: str, *, name: str) -> tuple[str, int]:
    """The codec that a byte order mark names, else `codec`; and the length of a UTF-8 mark.

    Args:
        head: what the content begins with.
        codec: the one that was asked for.
        name: of the source, for messages.

    Raises:
        DataError: it needs a mark, and there is none.
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
    """An incremental decoder of one encoding.

    Args:
        codec: Python's name of the encoding.
        skip: decode what is invalid to a lone surrogate, by which its row is known, instead of
            raising.
    """

    def __init__(self, codec: str, *, skip: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder(codec)("munjang-mark" if skip else "strict")

    def whole(self, data: bytes) -> str:
        """All of the content at once.

        Raises:
            UnicodeError: it is not valid; `UnicodeDecodeError` says where.
        """
        return self._decoder.decode(data, True)

    def to_utf8(self, data: bytes, *, final: bool) -> bytes:
        """The next piece in UTF-8; what is invalid becomes 0xFF, which never stands in UTF-8.

        Raises:
            UnicodeError: it is not valid.
        """
        return self._decoder.decode(data, final).encode(errors="surrogateescape")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("munjang-mark", _mark)


def undecodable(name: str, data: bytes, codec: str, offset: int, mark: int) -> DataError:
    """What to say about content that is not of an encoding, at the first byte that is not."""
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
    """Whether bytes decode, and, for cp949, whether that gives Korean: any bytes give something."""
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return False
    foreign = [c for c in text[:1_000_000] if c > "\x7f"]
    hangul = sum("가" <= c <= "힣" for c in foreign)
    return codec != "cp949" or 2 * hangul > len(foreign)
