"""Words whose vectors moved most in training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.errors import DataError

Vectors = npt.NDArray[np.float32]
_DIGITS = 4


@dataclass(frozen=True)
class MovedWord:
    """A word before and after training.

    Attributes:
        word: the word.
        distance: Euclidean distance of its vectors before and after, divided by the mean length
            of all vectors before.
        cosine: of its vectors before and after.
        before: its nearest words before.
        after: its nearest words after.
    """

    word: str
    distance: float
    cosine: float
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class MovedWords:
    """Words by how far they moved, the farthest first.

    Attributes:
        words: the words that moved most.
        compared: number of words that have a vector before and after.
        mean_cosine: mean over all of these.
    """

    words: tuple[MovedWord, ...]
    compared: int
    mean_cosine: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "compared": self.compared,
            "mean_cosine": round(self.mean_cosine, _DIGITS),
            "words": [
                {
                    "word": moved.word,
                    "distance": round(moved.distance, _DIGITS),
                    "cosine": round(moved.cosine, _DIGITS),
                    "before": list(moved.before),
                    "after": list(moved.after),
                }
                for moved in self.words
            ],
        }


def find_moved_words(
    words: Sequence[str], before: Vectors, after: Vectors, *, most: int = 20, near: int = 5
) -> MovedWords:
    """Compare the vectors of words before and after training.

    Args:
        words: the words.
        before: their vectors before, [words, dim].
        after: their vectors after, [words, dim].
        most: words that are returned.
        near: nearest words of each.

    Raises:
        DataError: there are no words, or the widths differ.
    """
    if not len(words):
        raise DataError("expected words with vectors before and after training, got none")
    if before.shape != after.shape:
        raise DataError(
            f"expected vectors of one width before and after, got {before.shape[1]} and "
            f"{after.shape[1]}; they are of different networks"
        )
    lengths = np.linalg.norm(before, axis=1)
    distances = np.linalg.norm(after - before, axis=1) / max(float(lengths.mean()), 1e-12)
    directions = [_directions(vectors) for vectors in (before, after)]
    cosines = (directions[0] * directions[1]).sum(1)
    order = np.argsort(-distances, kind="stable")[:most]
    neighbors = [_nearest(known, order, near) for known in directions]
    return MovedWords(
        tuple(
            MovedWord(
                words[place],
                float(distances[place]),
                float(cosines[place]),
                *(tuple(words[n] for n in side[row]) for side in neighbors),
            )
            for row, place in enumerate(order.tolist())
        ),
        len(words),
        float(cosines.mean()),
    )


def _directions(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions: Vectors = vectors / np.maximum(lengths, 1e-12)
    return directions


def _nearest(directions: Vectors, places: npt.NDArray[np.int64], near: int) -> list[list[int]]:
    """Return the indices of the words nearest to those at `places`, itself left out."""
    cosines = directions[places] @ directions.T
    cosines[np.arange(len(places)), places] = -np.inf
    found: list[list[int]] = np.argsort(-cosines, axis=1, kind="stable")[:, :near].tolist()
    return found
