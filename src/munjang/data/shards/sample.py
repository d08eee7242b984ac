"""Random sample of lines, of bounded size, from a stream."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from munjang.text.columns import Int64s, arrow_array


class LineSample:
    """Lines drawn at random until they fill some bytes; all lines if they fit.

    Each line has a random key, and those with the smallest keys stay.

    Args:
        most_bytes: most bytes of all lines.
        seed: random seed.
    """

    def __init__(self, most_bytes: int, seed: int) -> None:
        self.most_bytes = most_bytes
        self.is_whole = True
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._threshold = np.uint64(2**64 - 1)
        self._parts: list[tuple[npt.NDArray[np.uint64], Int64s, Int64s, pa.Array]] = []
        self._bytes = 0

    def add(self, texts: pl.Series, lines: Int64s, documents: Int64s) -> None:
        """Add lines with their numbers and those of their documents."""
        keys = self._random.integers(0, 2**64 - 1, len(texts), dtype=np.uint64, endpoint=True)
        near = np.flatnonzero(keys <= self._threshold)
        if not len(near):
            return
        chosen = texts.gather(near)
        self._bytes += int(chosen.str.len_bytes().sum())
        self._parts.append((keys[near], lines[near], documents[near], _compact(chosen)))
        if self._bytes > 1.25 * self.most_bytes:
            self._drop()

    def finish(self) -> tuple[pl.Series, Int64s, Int64s]:
        """Return the lines in their order, with their numbers and those of their documents."""
        if self._bytes > self.most_bytes:
            self._drop()
        if not self._parts:
            return pl.Series("text", [], dtype=pl.String), *np.zeros((2, 0), dtype=np.int64)
        _, lines, documents, texts = self._joined()
        self._parts = []
        order = np.argsort(lines, kind="stable")
        series = pl.Series("text", pl.from_arrow(texts.take(arrow_array(order))), dtype=pl.String)
        return series, lines[order], documents[order]

    def _joined(self) -> tuple[npt.NDArray[np.uint64], Int64s, Int64s, pa.Array]:
        keys, lines, documents, texts = zip(*self._parts, strict=True)
        return (
            np.concatenate(keys),
            np.concatenate(lines),
            np.concatenate(documents),
            pa.concat_arrays(texts),
        )

    def _drop(self) -> None:
        """Keep the lines with the smallest keys; at least one."""
        keys, lines, documents, texts = self._joined()
        sizes = np.diff(np.frombuffer(texts.buffers()[1], dtype=np.int64)[: len(texts) + 1])
        order = np.argsort(keys, kind="stable")
        count = max(1, int(np.count_nonzero(np.cumsum(sizes[order]) <= self.most_bytes)))
        if count < len(order):
            self.is_whole = False
            self._threshold = keys[order[count - 1]]
        kept = np.sort(order[:count])
        self._parts = [(keys[kept], lines[kept], documents[kept], texts.take(arrow_array(kept)))]
        self._bytes = int(sizes[kept].sum())


def _compact(texts: pl.Series) -> pa.Array:
    """Return the strings in buffers of their own, so that the block they are from is freed."""
    strings = texts.to_arrow()
    if isinstance(strings, pa.ChunkedArray):
        strings = strings.combine_chunks()
    strings = strings if pa.types.is_large_string(strings.type) else strings.cast(pa.large_string())
    return (
        pa.concat_arrays([strings])
        if not strings.offset
        else pa.array(strings.to_pylist(), pa.large_string())
    )
