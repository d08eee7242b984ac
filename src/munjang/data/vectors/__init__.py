"""Pretrained word vectors: files of many formats, or vectors in memory, to rows of a vocabulary."""

from munjang.data.vectors.found import WordVectors, find_vectors
from munjang.data.vectors.source import VectorSource, open_vectors

__all__ = ["VectorSource", "WordVectors", "find_vectors", "open_vectors"]
