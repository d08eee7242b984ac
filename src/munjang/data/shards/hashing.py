"""Hashes of texts and documents, which are the same on every machine and in every version."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from munjang.text.columns import Int64s
from munjang.text.normalize import normalize

UInt64s = npt.NDArray[np.uint64]

_FACTOR = 0x9E3779B97F4A7C15 | 1
_MASK = 2**64 - 1


def hash_texts(texts: pl.Series, seed: int) -> UInt64s:
    """Return a hash of each text [rows]; texts equal after NFC and stripping have the same.

    It is a polynomial of the bytes modulo 2**64, mixed.
    """
    strings = normalize(texts).str.strip_chars().to_arrow()
    if not pa.types.is_large_string(strings.type):
        strings = strings.cast(pa.large_string())
    if isinstance(strings, pa.ChunkedArray):
        strings = strings.combine_chunks()
    _, offset_buffer, data_buffer = strings.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int64)[
        strings.offset : strings.offset + len(strings) + 1
    ]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    powers, inverses = _powers(len(data) + 1)
    terms = np.zeros(len(data) + 1, dtype=np.uint64)
    np.cumsum((data.astype(np.uint64) + np.uint64(1)) * powers[: len(data)], out=terms[1:])
    sums = (terms[offsets[1:]] - terms[offsets[:-1]]) * inverses[offsets[:-1]]
    return mix(sums ^ np.uint64(seed * _FACTOR & _MASK))


def hash_documents(hashes: UInt64s, places: Int64s, starts: Int64s) -> UInt64s:
    """Return the sum of the hashes of each document's lines and places, not yet mixed.

    Sums of the parts of a document can be added.

    Args:
        hashes: of the lines.
        places: place of each line in its document, from 0.
        starts: index of the first line of each document.
    """
    terms = mix(hashes + (places.astype(np.uint64) + np.uint64(1)) * np.uint64(_FACTOR))
    sums: UInt64s = np.add.reduceat(terms, starts)
    return sums


def mix(values: UInt64s) -> UInt64s:
    """Mix the bits (SplitMix64), so that each bit depends on all."""
    values = values ^ (values >> np.uint64(30))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    values = values ^ (values >> np.uint64(27))
    values = values * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_known: list[tuple[UInt64s, UInt64s]] = []


def _powers(count: int) -> tuple[UInt64s, UInt64s]:
    """Return the first powers of the factor, and of its inverse, modulo 2**64."""
    if not _known or len(_known[0][0]) < count:
        size = 1 << (count - 1).bit_length()
        inverse = pow(_FACTOR, -1, 2**64)
        _known[:] = [(_table(_FACTOR, size), _table(inverse, size))]
    return _known[0]


def _table(factor: int, size: int) -> UInt64s:
    """Return powers by doubling: the second half is the first times the power between."""
    table = np.ones(size, dtype=np.uint64)
    done = 1
    while done < size:
        table[done : 2 * done] = table[: min(done, size - done)] * np.uint64(
            pow(factor, done, 2**64)
        )
        done *= 2
    return table
