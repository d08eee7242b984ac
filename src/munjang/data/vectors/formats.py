"""Which format a file of vectors has, by what it begins with; its name does not matter.

word2vec text     "COUNT DIM", then a word and DIM numbers a line; fastText's .vec likewise
word2vec binary   "COUNT DIM", then a word, a space, DIM little-endian 32-bit floats
GloVe text        a word and its numbers a line, without a header
"""

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from munjang.data.readers.faults import shorten
from munjang.data.readers.line_ends import with_line_feeds
from munjang.errors import DataError

SAMPLE = 1 << 20  # bytes looked at: the first lines, even of very wide vectors

_HEADER = re.compile(rb"[ \t]*(\d{1,18})[ \t]+(\d{1,9})[ \t\r]*")
_TEXT_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_EXPECTED = (
    "expected word vectors: word2vec text or binary, fastText .vec, or GloVe text (a word and its "
    "numbers a line, separated by spaces)"
)
# What a file may begin with that people would take for one of these.
_FOREIGN = {
    b"\x80": "a pickle, such as gensim writes with save(), which may run code when it is read: "
    "load it with gensim and write it with save_word2vec_format(FILE), or give munjang.train the "
    "KeyedVectors object itself",
    b"\xba\x16\x4f\x2f": "fastText's own .bin model; give the .vec file that lies beside it",
    b"\x93NUMPY": "an array of NumPy, which has no words; write the vectors with gensim's "
    "save_word2vec_format(FILE)",
    b"PK\x03\x04": "a zip archive; unpack it first",
}

Kind = Literal["word2vec text", "word2vec binary", "GloVe text"]


@dataclass(frozen=True)
class VectorFormat:
    """What was found.

    Attributes:
        kind: the format.
        dim: numbers of each vector.
        promised: words that the header promises; None without one.
    """

    kind: Kind
    dim: int
    promised: int | None


def detect(head: bytes, name: str) -> VectorFormat:
    """The format of a file that begins with `head`, at most `SAMPLE` bytes.

    Raises:
        DataError: it is none of them; told with what it is, where that is known.
    """
    for mark, what in _FOREIGN.items():
        if head.startswith(mark):
            raise DataError(f"this is {what}", file=name)
    body = with_line_feeds(head.removeprefix(codecs.BOM_UTF8))
    if not body.strip():
        raise DataError(f"{_EXPECTED}; the file is empty", file=name)
    first, _, rest = body.partition(b"\n")
    header = _HEADER.fullmatch(first)
    if header is None:
        return VectorFormat("GloVe text", _dim_of(body, name), None)
    promised, dim = int(header[1]), int(header[2])
    if dim < 1:
        raise DataError(
            f"expected a header such as '400000 300' (words, numbers of each), got "
            f"{shorten(first.decode().strip())}",
            file=name,
            row=1,
        )
    kind: Kind = "word2vec text" if _is_text(rest, promised, dim) else "word2vec binary"
    return VectorFormat(kind, dim, promised)


def _is_text(rest: bytes, promised: int, dim: int) -> bool:
    """Whether what follows a header is text: a line that reads so, or no byte that text lacks."""
    line = rest.partition(b"\n")[0]
    if _numbers_at_end(line) >= dim:
        return True
    if _fills(rest, promised, dim):  # the four bytes of .95 are letters
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(rest)
    except UnicodeDecodeError:
        return False
    return not _TEXT_CONTROLS.search(rest)


def _fills(rest: bytes, promised: int, dim: int) -> bool:
    """Whether as many binary records as promised end just where the file does."""
    place = 0
    for _ in range(promised):
        space = rest.find(b" ", place)
        place = space + 1 + 4 * dim
        if space < 0 or place > len(rest):
            return False
        place += rest[place : place + 1] == b"\n"
    return place == len(rest)


def _dim_of(body: bytes, name: str) -> int:
    """Numbers of each vector without a header: what most of the first lines have."""
    lines = body.split(b"\n")
    whole = lines[:-1] if len(lines) > 1 else lines
    counts = Counter(_numbers_at_end(line) for line in whole if line.strip())
    dim = counts.most_common(1)[0][0] if counts else 0
    if dim < 1:
        shown = lines[0][:60].decode(errors="replace")
        raise DataError(f"{_EXPECTED}; it begins with {shorten(shown)}", file=name, row=1)
    return dim


def _numbers_at_end(line: bytes) -> int:
    """How many of a line's last pieces are numbers; the first piece is always the word."""
    _, *pieces = line.rstrip(b" \r").split(b" ")
    count = 0
    for piece in filter(None, reversed(pieces)):
        if not is_number(piece):
            break
        count += 1
    return count


def is_number(piece: bytes) -> bool:
    """Whether a piece of a line is a number, NaN and infinity included."""
    try:
        float(piece)
    except ValueError:
        return False
    return b"_" not in piece
