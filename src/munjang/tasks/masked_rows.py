"""Scores of masked tokens by row, by which comparisons judge masked language models."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from munjang.tasks.masking import MaskedBatch
from munjang.tasks.task import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class RowScores:
    """Sums over the masked tokens of each row.

    Attributes:
        tokens: number of masked tokens, [rows].
        nats: sum of their cross-entropies, [rows].
        right: number of those whose likeliest token is the right one, [rows].
    """

    tokens: Ints
    nats: Floats
    right: Ints

    @classmethod
    def compute(
        cls,
        batches: Iterable[MaskedBatch],
        rows: int,
        score: Callable[[MaskedBatch], tuple[Floats, Bools]],
    ) -> Self:
        """Add up the scores of all masked tokens.

        Args:
            batches: rows with masked tokens.
            rows: number of rows of the dataset.
            score: from a batch to the nats of each chosen place, and whether its likeliest token
                is the right one, [chosen] each.
        """
        scores = cls(np.zeros(rows, dtype=np.int64), np.zeros(rows), np.zeros(rows, dtype=np.int64))
        for batch in batches:
            nats, right = score(batch)
            own = batch.rows[batch.places // batch.ids.shape[1]].cpu().numpy()
            scores.tokens[:] += np.bincount(own, minlength=rows)
            scores.nats[:] += np.bincount(own, nats, minlength=rows)
            scores.right[:] += np.bincount(own, right, minlength=rows).astype(np.int64)
        return scores
