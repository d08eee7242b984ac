"""Discounted n-grams of one length: the shares of seen tokens, and what is left to unseen ones."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from munjang.baselines.ngram_counts import Int32s, Int64s, Ngrams

Floats = npt.NDArray[np.float64]

# Of counts of 1, 2, and 3 or more, where counts of counts say nothing, as in KenLM.
USUAL_DISCOUNTS = (0.5, 1.0, 1.5)


@dataclass(frozen=True, eq=False)
class Level:
    """The n-grams of one length as a conditional distribution of their last token.

    Attributes:
        ngrams: keys and counts.
        discounts: subtracted from counts of 0, 1, 2, and 3 or more, [4].
        totals: sum of the counts in each context; 1 if nothing follows it, [contexts].
        backoffs: weight of the shorter n-grams in each context, [contexts].
    """

    ngrams: Ngrams
    discounts: Floats
    totals: Floats
    backoffs: Floats

    @classmethod
    def build(cls, ngrams: Ngrams, vocabulary_size: int, contexts: int) -> Self:
        """Estimate the discounts, and how much each context leaves to the shorter n-grams."""
        discounts = np.array([0.0, *estimate_discounts(ngrams.counts)])
        prefixes = ngrams.keys // vocabulary_size
        totals = _sum_by(prefixes, ngrams.counts.astype(np.float64), contexts)
        kept = _sum_by(prefixes, discounts[np.minimum(ngrams.counts, 3)], contexts)
        is_followed = totals > 0
        totals[~is_followed] = 1.0
        backoffs = np.where(is_followed, kept / totals, 1.0)
        return cls(ngrams, discounts, totals, backoffs)

    def find(self, keys: Int64s) -> Int64s:
        """Return the number of the n-gram of each key, -1 where there is none, [keys]."""
        known = self.ngrams.keys
        if not len(known):
            return np.full(len(keys), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[places] == keys, places, -1)

    def shares(self, numbers: Int64s, contexts: Int64s) -> Floats:
        """Return the discounted shares of n-grams in their contexts, [ngrams]."""
        counts = self.ngrams.counts[numbers]
        shares: Floats = (counts - self.discounts[np.minimum(counts, 3)]) / self.totals[contexts]
        return shares


def _sum_by(prefixes: Int64s, values: Floats, contexts: int) -> Floats:
    """Return the sum of the values of each context [contexts]."""
    return np.asarray(np.bincount(prefixes, values, minlength=contexts), dtype=np.float64)


def estimate_discounts(counts: Int32s) -> tuple[float, float, float]:
    """Return the discounts of counts of 1, 2, and 3 or more.

    With n_k n-grams that have a count of k, and Y = n_1 / (n_1 + 2 n_2): D(1) = 1 - 2 Y n_2 / n_1,
    D(2) = 2 - 3 Y n_3 / n_2, D(3+) = 3 - 4 Y n_4 / n_3 (Chen and Goodman 1998).

    These are no discounts if a count does not occur, or is rarer than the next one, as in small
    texts and small vocabularies. Then each is Y, the single discount of Kneser and Ney (1995), or
    if that is not between 0 and 1 either, `USUAL_DISCOUNTS`.
    """
    frequencies = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(np.float64)
    if not (frequencies[:2] > 0).all():
        return USUAL_DISCOUNTS
    share = float(frequencies[0] / (frequencies[0] + 2 * frequencies[1]))
    if (frequencies > 0).all():
        ratios = (frequencies[1:] / frequencies[:-1]).tolist()
        first, second, third = (
            k - (k + 1) * share * ratio for k, ratio in enumerate(ratios, start=1)
        )
        if min(first, second, third) > 0:
            return first, second, third
    return share, share, share
