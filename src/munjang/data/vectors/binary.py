"""Vectors in word2vec's binary format, read as a stream.

A header "COUNT DIM", then for each word its bytes, a space, and DIM little-endian 32-bit floats;
some writers put a line feed between two of them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from munjang.data.readers.opening import open_source
from munjang.data.vectors.block import Block, Floats, OnBad, checked, decoded
from munjang.data.vectors.formats import VectorFormat
from munjang.errors import DataError

_CHUNK = 1 << 22
_LONGEST_WORD = 1 << 16


class BinaryVectors:
    """A `VectorSource` over a binary file, gzipped or not. A row is the number of a vector.

    Args:
        path: of the file.
        found: its format.
    """

    def __init__(self, path: Path, found: VectorFormat) -> None:
        self.path = path
        self.name = str(path)
        self.kind: str = found.kind
        self.dim = found.dim
        self.promised = found.promised

    def blocks(self, on_bad: OnBad) -> Iterator[Block]:
        """All words, some thousands at a time."""
        row, rest = 1, b""
        for chunk in self._chunks():
            data = rest + chunk
            words, starts, end = self._records(data)
            yield self._block(data, words, starts, row, on_bad)
            row += len(words)
            rest = data[end:]
            if len(rest) > 4 * self.dim + _LONGEST_WORD:
                raise self._damaged(f"no space behind the word of vector {row}", row)
        if rest.strip(b"\n"):
            on_bad(self._damaged(f"the file ends within vector {row}", row))

    def _records(self, data: bytes) -> tuple[list[bytes], list[int], int]:
        """The whole records of `data`: words, where their numbers start, and where they all end."""
        words: list[bytes] = []
        starts: list[int] = []
        place, width = 0, 4 * self.dim
        while True:
            space = data.find(b" ", place)
            after = space + 1 + width
            if space < 0 or after > len(data):
                return words, starts, place
            words.append(data[place:space].lstrip(b"\n"))
            starts.append(space + 1)
            place = after

    def _block(
        self, data: bytes, words: list[bytes], starts: list[int], row: int, on_bad: OnBad
    ) -> Block:
        rows = list(range(row, row + len(words)))
        # a line feed inside of a word would look like two words
        joined = [word.replace(b"\n", b" ") for word in words]
        texts, places = decoded(joined, rows, self.name, on_bad)

        def numbers(number: int) -> Floats:
            place = places[number]
            values = np.frombuffer(data, dtype="<f4", count=self.dim, offset=starts[place])
            return checked(values, texts[number], file=self.name, row=rows[place])

        return Block(texts, numbers)

    def _chunks(self) -> Iterator[bytes]:
        with open_source(self.path) as stream:
            stream.readline()
            while chunk := stream.read(_CHUNK):
                yield chunk

    def _damaged(self, what: str, row: int) -> DataError:
        return DataError(
            f"expected {self.promised:,} words with {self.dim} 32-bit numbers each (the header "
            f"says so), but {what}; the file is damaged or cut off: copy or download it again",
            file=self.name,
            row=row,
        )
