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
# Error of a cosine in 32 bits: candidates this close to the k-th are computed again in 64 bits, so
# that neither the block nor the neighbors of a row change its place.
_MARGIN = 1e-5


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


def compute_exact_cosines(query: npt.NDArray[np.float64], vectors: Vectors) -> list[float]:
    """Return the cosine of a query [dim] with each of some vectors [rows, dim], in 64 bits."""
    others = vectors.astype(np.float64)
    products = (others * query).sum(1)
    lengths = np.sqrt((others * others).sum(1) * (query * query).sum())
    cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    # rounding makes cosines equal that differ by the order of sums only
    scores: list[float] = cosines.clip(-1, 1).round(9).tolist()
    return scores


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
        self.queries = np.asarray(queries, dtype=np.float64)
        self._directions = normalize_rows(queries)
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
            block = vectors[start : start + step]
            cosines = self._directions @ normalize_rows(block).T
            for query, scores in enumerate(cosines):
                places = self._choose_candidates(query, scores)
                if not len(places):
                    continue
                exact = compute_exact_cosines(self.queries[query], block[places])
                new = [
                    Hit(score, int(rows[place]), None if texts is None else texts[place])
                    for score, place in zip(exact, (places + start).tolist(), strict=True)
                ]
                # earlier rows stay first among equal scores, as sorting is stable
                hits = sorted([*self._hits[query], *new], key=lambda hit: -hit.score)
                self._hits[query] = hits[: self.k]

    def _choose_candidates(self, query: int, scores: Vectors) -> Ints:
        """Return the places of the rows of a block that may be among the best k."""
        hits, lowest = self._hits[query], -np.inf
        if len(hits) == self.k:
            lowest = hits[-1].score
        if len(scores) > self.k:
            lowest = max(lowest, float(np.partition(scores, -self.k)[-self.k]))
        return np.flatnonzero(scores >= lowest - _MARGIN)

    def hits(self) -> list[list[Hit]]:
        """Return the hits of each query, the nearest first."""
        return [
            [Hit(round(hit.score, 6), hit.row, hit.text) for hit in hits] for hits in self._hits
        ]
