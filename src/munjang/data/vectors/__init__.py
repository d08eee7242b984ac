"""Pretrained word vectors, from files or from memory, for the tokens of a vocabulary."""

from munjang.data.vectors.lookup import WordVectors, find_vectors
from munjang.data.vectors.source import VectorSource, open_vectors

__all__ = ["VectorSource", "WordVectors", "find_vectors", "open_vectors"]
