"""Opener of sources of vectors, whose dimension is known before they are read."""

from os import PathLike
from pathlib import Path
from typing import Any

from munjang.data.readers.source import STDIN, open_source
from munjang.data.vectors.binary import BinaryVectors
from munjang.data.vectors.block import VectorSource
from munjang.data.vectors.formats import SAMPLE, detect_format
from munjang.data.vectors.in_memory import InMemoryVectors
from munjang.data.vectors.text import TextVectors
from munjang.errors import DataError

__all__ = ["VectorSource", "open_vectors"]


def open_vectors(vectors: Any) -> VectorSource:
    """Open a file of vectors, or vectors in memory.

    Args:
        vectors: path of a file, gzipped or not, or an object with `index_to_key` and `vectors`.

    Raises:
        DataError: the file cannot be opened or has none of the formats, or the object has no
            vectors.
    """
    if not isinstance(vectors, str | PathLike):
        return InMemoryVectors(vectors)
    path = Path(vectors)
    name = str(path)
    if name == STDIN:
        raise DataError("vectors: expected a file, which is read twice, got standard input")
    with open_source(path) as stream:
        head = stream.read(SAMPLE)
    vector_format = detect_format(head, name)
    if vector_format.kind == "word2vec binary":
        return BinaryVectors(path, vector_format)
    return TextVectors(path, vector_format)
