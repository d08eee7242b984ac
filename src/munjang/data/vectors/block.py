"""What every source of vectors gives: blocks of words whose numbers are read when asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from munjang.data.readers.faults import shorten
from munjang.errors import DataError

Floats = npt.NDArray[np.float32]
OnBad = Callable[[DataError], None]


@dataclass(frozen=True)
class Block:
    """Some words in the order of their source.

    Attributes:
        words: as they stand there; not normalised.
        numbers: the vector of the i-th of them, [dim]; raises `DataError` where it is none.
    """

    words: list[str]
    numbers: Callable[[int], Floats]


class VectorSource(Protocol):
    """Words and their vectors, read from the first to the last.

    Attributes:
        name: for messages: the path as given, or what kind of object it is.
        kind: of which format, in words.
        dim: numbers of each vector.
        promised: how many words its header promises; None without a header.
    """

    name: str
    kind: str
    dim: int
    promised: int | None

    def blocks(self, on_bad: OnBad) -> Iterator[Block]:
        """All words. `on_bad` gets the error of what cannot be read, and raises it or goes on."""
        ...


def checked(values: Any, word: str, *, file: str, row: int) -> Floats:
    """Numbers as a vector of 32-bit floats.

    Raises:
        DataError: one is not finite.
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


def decoded(
    words: list[bytes], rows: list[int], name: str, on_bad: OnBad
) -> tuple[list[str], list[int]]:
    """Words as strings, and which of `words` each is: without those that are not UTF-8.

    Args:
        words: without line feeds.
        rows: where each stands in its file, for messages.
        name: of the file.
        on_bad: gets an error for each that is left out.
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
