"""Format of a file of vectors, by its content; its name does not matter.

word2vec text     "COUNT DIM", then per line a word and DIM numbers; also fastText's .vec
word2vec binary   "COUNT DIM", then per word its bytes, a space, DIM little-endian 32-bit floats
GloVe text        a word and its numbers per line, without a header
"""

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from munjang.data.readers.faults import shorten
from munjang.data.readers.line_ends import normalize_line_ends
from munjang.errors import DataError

SAMPLE = 1 << 20  # bytes to look at: the first lines, even of very wide vectors

_HEADER = re.compile(rb"[ \t]*(\d{1,18})[ \t]+(\d{1,9})[ \t\r]*")
_TEXT_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_EXPECTED = (
    "expected word vectors: word2vec text or binary, fastText .vec, or GloVe text (a word and its "
    "numbers per line, separated by spaces)"
)
# First bytes of other formats that are easily mistaken for one of these.
_FOREIGN = {
    b"\x80": "a pickle, such as gensim writes with save(), which may run code when it is read: "
    "load it with gensim and write it with save_word2vec_format(FILE), or give munjang.train the "
    "KeyedVectors object itself",
    b"\xba\x16\x4f\x2f": "fastText's own .bin model; give the .vec file next to it",
    b"\x93NUMPY": "an array of NumPy, which has no words; write the vectors with gensim's "
    "save_word2vec_format(FILE)",
    b"PK\x03\x04": "a zip archive; unpack it first",
}

Kind = Literal["word2vec text", "word2vec binary", "GloVe text"]


@dataclass(frozen=True)
class VectorFormat:
    """Format of a file of vectors.

    Attributes:
        kind: name of the format.
        dim: numbers per vector.
        header_count: number of words in the header; None without one.
    """

    kind: Kind
    dim: int
    header_count: int | None


def detect_format(head: bytes, name: str) -> VectorFormat:
    """Detect the format of a file from its first `SAMPLE` bytes.

    Raises:
        DataError: the file has none of the formats; names its format where known.
    """
    for mark, description in _FOREIGN.items():
        if head.startswith(mark):
            raise DataError(f"this is {description}", file=name)
    body = normalize_line_ends(head.removeprefix(codecs.BOM_UTF8))
    if not body.strip():
        raise DataError(f"{_EXPECTED}; the file is empty", file=name)
    first, _, rest = body.partition(b"\n")
    header = _HEADER.fullmatch(first)
    if header is None:
        return VectorFormat("GloVe text", _count_dims(body, name), None)
    header_count, dim = int(header[1]), int(header[2])
    if dim < 1:
        raise DataError(
            f"expected a header such as '400000 300' (words, numbers per word), got "
            f"{shorten(first.decode().strip())}",
            file=name,
            row=1,
        )
    kind: Kind = "word2vec text" if _is_text(rest, header_count, dim) else "word2vec binary"
    return VectorFormat(kind, dim, header_count)


def _is_text(rest: bytes, header_count: int, dim: int) -> bool:
    """Return whether the data after a header is text: its first line parses, or all bytes do."""
    line = rest.partition(b"\n")[0]
    if _count_numbers(line) >= dim:
        return True
    if _is_whole_binary(rest, header_count, dim):  # the four bytes of .95 are letters
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(rest)
    except UnicodeDecodeError:
        return False
    return not _TEXT_CONTROLS.search(rest)


def _is_whole_binary(rest: bytes, header_count: int, dim: int) -> bool:
    """Return whether `header_count` binary records end exactly at the end of the file."""
    place = 0
    for _ in range(header_count):
        space = rest.find(b" ", place)
        place = space + 1 + 4 * dim
        if space < 0 or place > len(rest):
            return False
        place += rest[place : place + 1] == b"\n"
    return place == len(rest)


def _count_dims(body: bytes, name: str) -> int:
    """Return the numbers per vector without a header: the most common of the first lines."""
    lines = body.split(b"\n")
    whole = lines[:-1] if len(lines) > 1 else lines
    counts = Counter(_count_numbers(line) for line in whole if line.strip())
    dim = counts.most_common(1)[0][0] if counts else 0
    if dim < 1:
        shown = lines[0][:60].decode(errors="replace")
        raise DataError(f"{_EXPECTED}; it begins with {shorten(shown)}", file=name, row=1)
    return dim


def _count_numbers(line: bytes) -> int:
    """Count the numbers at the end of a line, whose first piece is always the word."""
    _, *pieces = line.rstrip(b" \r").split(b" ")
    count = 0
    for piece in filter(None, reversed(pieces)):
        if not is_number(piece):
            break
        count += 1
    return count


def is_number(piece: bytes) -> bool:
    """Return whether a piece of a line is a number, including NaN and infinity."""
    try:
        float(piece)
    except ValueError:
        return False
    return b"_" not in piece
