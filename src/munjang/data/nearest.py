"""Exact search of the nearest vectors by cosine, block by block."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Most hits per query.
MOST_HITS = 10_000
# Most cosines in memory at once; the rows of a product of matrices follow from it.
_MOST_COSINES = 2**22
# Equal texts have equal vectors up to rounding, which depends on the block: cosines are compared
# in steps of this size, and equal ones are in the order of their rows.
_STEP = 1e-6


@dataclass(frozen=True)
class Hit:
    """One of the texts nearest to a query.

    Attributes:
        score: cosine, -1 to 1.
        row: number of the text's row.
        text: the text; None if only its vector is known.
    """

    score: float
    row: int
    text: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def normalize_rows(vectors: Vectors) -> Vectors:
    """Return vectors [rows, dim] divided by their lengths; a vector of zeros stays."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.sqrt(np.einsum("rd,rd->r", vectors, vectors, dtype=np.float64))
    scales = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    normalized: Vectors = vectors * scales[:, None].astype(np.float32)
    return normalized


class NearestRows:
    """The k rows of largest cosine for each query, among rows that are added in blocks.

    Only the best rows so far are kept, so that memory does not grow with the rows.

    Args:
        queries: vectors [queries, dim].
        k: most hits per query.

    Raises:
        ConfigError: `k` is out of range.
    """

    def __init__(self, queries: Vectors, k: int) -> None:
        if not 1 <= k <= MOST_HITS:
            raise ConfigError(f"k: expected a number of texts from 1 to {MOST_HITS:,}, got {k}")
        self.queries = normalize_rows(queries)
        self.k = k
        self._hits: list[list[Hit]] = [[] for _ in queries]

    def add(self, vectors: Vectors, rows: Ints, texts: Sequence[str] | None = None) -> None:
        """Add rows.

        Args:
            vectors: [rows, dim].
            rows: numbers of the rows [rows], larger than those before.
            texts: their texts, if known.
        """
        vectors = np.asarray(vectors, dtype=np.float32)
        step = max(1, _MOST_COSINES // max(1, len(self.queries)))
        for start in range(0, len(vectors), step):
            block = slice(start, start + step)
            cosines = self.queries @ normalize_rows(vectors[block]).T
            cosines = np.rint(cosines / _STEP) * _STEP
            known = None if texts is None else texts[block]
            for query, scores in enumerate(cosines):
                self._merge(query, scores, rows[block], known)

    def _merge(self, query: int, scores: Vectors, rows: Ints, texts: Sequence[str] | None) -> None:
        hits = self._hits[query]
        if len(hits) == self.k:
            places = np.flatnonzero(scores > hits[-1].score)
        elif len(scores) > self.k:
            # all that tie with the k-th, of which the first rows are kept
            places = np.flatnonzero(scores >= np.partition(scores, -self.k)[-self.k])
        else:
            places = np.arange(len(scores))
        if not len(places):
            return
        places = places[np.argsort(-scores[places], kind="stable")[: self.k]]
        new = [
            Hit(float(scores[place]), int(rows[place]), None if texts is None else texts[place])
            for place in places.tolist()
        ]
        # the earlier rows come first among equal scores, as sorting is stable
        self._hits[query] = sorted([*hits, *new], key=lambda hit: -hit.score)[: self.k]

    def hits(self) -> list[list[Hit]]:
        """Return the hits of each query, the nearest first."""
        return [
            [Hit(max(-1.0, min(1.0, round(hit.score, 6))), hit.row, hit.text) for hit in hits]
            for hits in self._hits
        ]
