"""From a path or an object to a source of vectors, whose dimension is known before it is read."""

from os import PathLike
from pathlib import Path
from typing import Any

from munjang.data.readers.opening import STDIN, open_source
from munjang.data.vectors.binary import BinaryVectors
from munjang.data.vectors.block import VectorSource
from munjang.data.vectors.formats import SAMPLE, detect
from munjang.data.vectors.keyed import KeyedInMemory
from munjang.data.vectors.lines import TextVectors
from munjang.errors import DataError

__all__ = ["VectorSource", "open_vectors"]


def open_vectors(vectors: Any) -> VectorSource:
    """The source that a path names, or that an object is.

    Args:
        vectors: path of a file, gzipped or not, or an object with `index_to_key` and `vectors`.

    Raises:
        DataError: the file cannot be opened or has none of the formats; the object is no vectors.
    """
    if not isinstance(vectors, str | PathLike):
        return KeyedInMemory(vectors)
    path = Path(vectors)
    name = str(path)
    if name == STDIN:
        raise DataError("vectors: expected a file, which is read twice, got standard input")
    with open_source(path) as stream:
        head = stream.read(SAMPLE)
    found = detect(head, name)
    return (BinaryVectors if found.kind == "word2vec binary" else TextVectors)(path, found)
