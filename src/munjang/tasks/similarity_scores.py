"""Scores of similarity: of numbers per pair, and of finding the partner of each text."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.task import Floats
from munjang.tasks.vectors import Vectors

# Cosines per block of the ranks.
_MOST_COSINES = 2**22
# Cosines of equal texts differ by rounding.
_TIE = 1e-6


@dataclass(frozen=True, repr=False)
class SimilarityScores(DisplayedScores):
    """Scores of cosines against numbers.

    Attributes:
        rows: number of scored pairs.
        spearman: rank correlation of cosines and numbers, -1 to 1; NaN if either are all equal.
            Positive if more similar pairs have larger cosines, whatever their numbers are.
        pearson: linear correlation of both; NaN likewise.
        rmse: root mean squared error in the unit of the numbers; None if the loss does not relate
            cosines to numbers.
        are_finite: True if all cosines were finite.
    """

    rows: int
    spearman: float
    pearson: float
    rmse: float | None
    are_finite: bool = True

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all pairs, by name."""
        metrics = {"spearman": self.spearman, "pearson": self.pearson}
        return metrics if self.rmse is None else {**metrics, "rmse": self.rmse}

    @property
    def is_finite(self) -> bool:
        """True if all cosines were finite."""
        return self.are_finite

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        values = {"rows": self.rows, **self.metrics}
        return {k: v if math.isfinite(v) else None for k, v in values.items()}


@dataclass(frozen=True, repr=False)
class PartnerScores(DisplayedScores):
    """Scores of finding the second text of each pair among all second texts, and the reverse.

    They depend on the number of pairs: more candidates are harder.

    Attributes:
        rows: number of pairs.
        mrr: mean reciprocal rank of the partner.
        accuracy: share of texts whose nearest text is the partner.
        are_finite: True if all vectors were finite.
    """

    rows: int
    mrr: float
    accuracy: float
    are_finite: bool = True

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all pairs, by name."""
        return {"mrr": self.mrr, "accuracy": self.accuracy}

    @property
    def is_finite(self) -> bool:
        """True if all vectors were finite."""
        return self.are_finite

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        values = {k: v for k, v in asdict(self).items() if k != "are_finite"}
        return {k: v if math.isfinite(v) else None for k, v in values.items()}


def score_cosines(cosines: Floats, wanted: Floats, unit: float | None) -> SimilarityScores:
    """Score cosines [rows] against wanted cosines [rows].

    Args:
        cosines: cosine of each pair.
        wanted: the right number of each pair, scaled so that larger means more similar.
        unit: numbers per unit of `wanted`; None if the cosines need not equal `wanted`.
    """
    # imported here, as the import takes a second and prediction needs no metrics
    from scipy.stats import spearmanr

    rows = len(wanted)
    if not np.isfinite(cosines).all():
        rmse = None if unit is None else math.nan
        return SimilarityScores(rows, math.nan, math.nan, rmse, are_finite=False)
    rmse = None if unit is None else unit * float(np.sqrt(np.square(cosines - wanted).mean()))
    if rows < 2 or np.ptp(cosines) == 0 or np.ptp(wanted) == 0:
        return SimilarityScores(rows, math.nan, math.nan, rmse)
    spearman = float(spearmanr(cosines, wanted).statistic)
    return SimilarityScores(rows, spearman, float(np.corrcoef(cosines, wanted)[0, 1]), rmse)


def score_partners(first: Vectors, second: Vectors) -> PartnerScores:
    """Score unit vectors [rows, dim] of both texts of each pair, each way."""
    rows = len(first)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return PartnerScores(rows, math.nan, math.nan, are_finite=False)
    ranks = np.concatenate([_partner_ranks(first, second), _partner_ranks(second, first)])
    return PartnerScores(rows, float((1 / ranks).mean()), float((ranks == 1).mean()))


def _partner_ranks(queries: Vectors, candidates: Vectors) -> Floats:
    """Return the rank of candidate i for query i [rows], 1 the nearest; ties share mean ranks.

    Mean ranks keep a network that gives every text one vector from looking perfect.
    """
    ranks = np.empty(len(queries))
    right = np.einsum("rd,rd->r", queries, candidates)
    step = max(1, _MOST_COSINES // max(1, len(candidates)))
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        differences = queries[block] @ candidates.T - right[block, None]
        nearer = (differences > _TIE).sum(1)
        tied = (np.abs(differences) <= _TIE).sum(1).clip(min=1)
        ranks[block] = 1 + nearer + (tied - 1) / 2
    return ranks
