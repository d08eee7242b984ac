"""Stream of vectors in word2vec's binary format.

A header "COUNT DIM", then per word its bytes, a space, and DIM little-endian 32-bit floats; some
writers put a line feed between two words.
"""

from collections.abc import Iterator

import numpy as np

from munjang.data.readers.source import open_source
from munjang.data.vectors.block import Block, FileVectors, Floats, OnBad, decode_words, to_vector
from munjang.errors import DataError

_CHUNK = 1 << 22
_MAX_WORD_BYTES = 1 << 16


class BinaryVectors(FileVectors):
    """`VectorSource` of a binary file, gzipped or not. Rows are the numbers of vectors, from 1."""

    def blocks(self, on_bad: OnBad) -> Iterator[Block]:
        """Yield all words, some thousands at a time."""
        row, rest = 1, b""
        for chunk in self._chunks():
            data = rest + chunk
            words, starts, end = self._cut_words(data)
            yield self._make_block(data, words, starts, row, on_bad)
            row += len(words)
            rest = data[end:]
            if len(rest) > 4 * self.dim + _MAX_WORD_BYTES:
                raise self._damage_error(f"no space after the word of vector {row}", row)
        if rest.strip(b"\n"):
            on_bad(self._damage_error(f"the file ends within vector {row}", row))

    def _cut_words(self, data: bytes) -> tuple[list[bytes], list[int], int]:
        """Return the words of `data`, the place of each vector, and the end of the last one."""
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

    def _make_block(
        self, data: bytes, words: list[bytes], starts: list[int], row: int, on_bad: OnBad
    ) -> Block:
        rows = list(range(row, row + len(words)))
        # a line feed within a word would look like two words
        joined = [word.replace(b"\n", b" ") for word in words]
        texts, places = decode_words(joined, rows, self.name, on_bad)

        def numbers(number: int) -> Floats:
            place = places[number]
            values = np.frombuffer(data, dtype="<f4", count=self.dim, offset=starts[place])
            return to_vector(values, texts[number], file=self.name, row=rows[place])

        return Block(texts, numbers)

    def _chunks(self) -> Iterator[bytes]:
        with open_source(self.path) as stream:
            stream.readline()
            while chunk := stream.read(_CHUNK):
                yield chunk

    def _damage_error(self, problem: str, row: int) -> DataError:
        return DataError(
            f"expected {self.header_count:,} words with {self.dim} 32-bit numbers each (the header "
            f"says so), but {problem}; the file is damaged or cut off: copy or download it again",
            file=self.name,
            row=row,
        )
