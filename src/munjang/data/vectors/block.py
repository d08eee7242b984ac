"""Blocks of words whose vectors are read on demand, and the protocol of their sources."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from munjang.data.readers.faults import shorten
from munjang.data.vectors.formats import VectorFormat
from munjang.errors import DataError

Floats = npt.NDArray[np.float32]
OnBad = Callable[[DataError], None]


@dataclass(frozen=True)
class Block:
    """Consecutive words of a source.

    Attributes:
        words: the words, not normalized.
        numbers: function from `i` to the vector of the i-th word [dim]; raises `DataError` if its
            numbers cannot be read.
    """

    words: list[str]
    numbers: Callable[[int], Floats]


class VectorSource(Protocol):
    """Source of words and their vectors, read in order.

    Attributes:
        name: name for messages: the path as given, or the type of the object.
        kind: name of the format.
        dim: numbers per vector.
        header_count: number of words in the header; None without a header.
    """

    name: str
    kind: str
    dim: int
    header_count: int | None

    def blocks(self, on_bad: OnBad) -> Iterator[Block]:
        """Yield all words. `on_bad` gets each error, and raises it or returns to skip."""
        ...


class FileVectors:
    """Base of the sources that read a file.

    Args:
        path: path of the file.
        vector_format: its format.
    """

    def __init__(self, path: Path, vector_format: VectorFormat) -> None:
        self.path = path
        self.name = str(path)
        self.kind: str = vector_format.kind
        self.dim = vector_format.dim
        self.header_count = vector_format.header_count


def to_vector(values: Any, word: str, *, file: str, row: int) -> Floats:
    """Convert numbers to a vector of 32-bit floats [dim].

    Raises:
        DataError: a number is not finite.
    """
    with np.errstate(over="ignore"):
        vector = np.asarray(values).astype(np.float32)
    finite = np.isfinite(vector)
    if not finite.all():
        place = int(np.argmin(finite))
        raise DataError(
            f"expected finite 32-bit numbers, number {place + 1} of {shorten(word)} is "
            f"{float(values[place])}",
            file=file,
            row=row,
        )
    return vector


def decode_words(
    words: list[bytes], rows: list[int], name: str, on_bad: OnBad
) -> tuple[list[str], list[int]]:
    """Decode words, leaving out those that are not UTF-8.

    Args:
        words: words without line feeds.
        rows: row number of each word, for messages.
        name: name of the file.
        on_bad: called with an error per word that is left out.

    Returns:
        The strings, and the index in `words` of each.
    """
    try:
        return (b"\n".join(words).decode().split("\n") if words else []), list(range(len(words)))
    except UnicodeDecodeError:
        texts, places = [], []
        for place, word in enumerate(words):
            try:
                texts.append(word.decode())
                places.append(place)
            except UnicodeDecodeError as error:
                on_bad(
                    DataError(
                        f"expected a word in UTF-8, got {shorten(word)} "
                        f"(byte 0x{word[error.start]:02x})",
                        file=name,
                        row=rows[place],
                    )
                )
        return texts, places
