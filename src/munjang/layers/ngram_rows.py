"""Table rows of hashed n-grams of tokens.

With characters as tokens these are the character n-grams of fastText (Bojanowski et al. 2017,
"Enriching word vectors with subword information"); with words as tokens, its word n-grams
(Joulin et al. 2017, "Bag of tricks for efficient text classification").
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.layers.fast.bits import are_set, are_set_by_numpy, pack_bits
from munjang.layers.fast.ngram_row import HashedRow, rows_of_row
from munjang.layers.hashing import (
    POSITIVE,
    SHIFT,
    SPREAD,
    STEP,
    Int64s,
    hash_ngrams,
    hash_ngrams_by_numpy,
)
from munjang.text.vocabulary import PAD

# Cells to count n-grams in: many more than buckets, so that a rare n-gram seldom shares a cell
# with a frequent one.
COUNT_CELLS = 2**22


@runtime_checkable
class MarksNgrams(Protocol):
    """A module that knows which n-grams have a row in a table, its own or that of its parent.

    Attributes:
        bitmap: name of the buffer [cells / 8] with a bit per cell that n-grams are counted in: True
            if its n-grams have a row. A module without the buffer gives every n-gram a row.
    """

    bitmap: ClassVar[str]

    def rows_of_cells(self) -> Int64s:
        """Return the row of each cell, [cells]."""


class NgramRows(nn.Module):
    """Row numbers of the n-grams that start at each token; rare n-grams have none.

    Args:
        first_row: row of the first bucket.
        longest: the largest n; 1 = no n-grams.
        buckets: number of rows that all n-grams share by hashing.
        min_frequency: n-grams rarer than this in the training texts (`count`) have no row. One
            that occurs in a single text teaches nothing about other texts.
    """

    bitmap: ClassVar = "kept"
    kept: Tensor

    def __init__(self, first_row: int, longest: int, buckets: int, min_frequency: int) -> None:
        super().__init__()
        self.first_row = first_row
        self.longest = longest
        self.buckets = buckets
        self.min_frequency = min_frequency
        if min_frequency > 1:
            # a bit per cell: True if its n-grams are frequent enough
            self.register_buffer("kept", torch.full((COUNT_CELLS // 8,), 255, dtype=torch.uint8))

    def count(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Count the n-grams of the training texts, to keep the frequent ones.

        Args:
            batches: ids [batch, time] within the vocabulary, and lengths [batch].
        """
        if self.min_frequency == 1:
            return
        counts = torch.zeros(COUNT_CELLS + 1, dtype=torch.int64)
        for ids, lengths in batches:
            # places without an n-gram are -1, counted apart in the first cell
            cells = hash_ngrams(ids, lengths, self.longest, COUNT_CELLS).flatten() + 1
            counts += torch.bincount(cells, minlength=COUNT_CELLS + 1)
        self.kept.copy_(pack_bits(counts[1:] >= self.min_frequency))

    def rows_of_cells(self) -> Int64s:
        """Return the row of each cell that n-grams are counted in, [cells]."""
        return np.arange(COUNT_CELLS) % self.buckets + self.first_row

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the rows of each token and its n-grams, [batch, time, longest]; PAD = no n-gram.

        Args:
            ids: [batch, time] within the vocabulary, PAD at padding.
            mask: [batch, time], True = real token.
        """
        if self.longest == 1:
            return ids[..., None]
        if ids.device.type == "cpu":
            return torch.from_numpy(self.by_numpy(ids.numpy(), mask.sum(1).numpy()))
        return torch.cat([ids[..., None], self._hashed_rows(ids, mask.sum(1))], dim=-1)

    def _hashed_rows(self, ids: Tensor, lengths: Tensor) -> Tensor:
        if self.min_frequency == 1:
            hashed = hash_ngrams(ids, lengths, self.longest, self.buckets)
            return torch.where(hashed >= 0, hashed + self.first_row, PAD)
        hashed = hash_ngrams(ids, lengths, self.longest, COUNT_CELLS)
        # hashed is -1 at places without an n-gram: the index wraps, the second test discards it
        kept = are_set(self.kept, hashed) & (hashed >= 0)
        return torch.where(kept, hashed % self.buckets + self.first_row, PAD)

    def by_numpy(self, ids: Int64s, lengths: npt.NDArray[np.integer]) -> Int64s:
        """Compute `forward` with NumPy, whose operations start sooner on a CPU."""
        rows = np.empty((*ids.shape, self.longest), dtype=np.int64)
        rows[..., 0] = ids
        if self.longest == 1:
            return rows
        if self.min_frequency == 1:
            hashed = hash_ngrams_by_numpy(ids, lengths, self.longest, self.buckets)
            is_none = hashed < 0
        else:
            hashed = hash_ngrams_by_numpy(ids, lengths, self.longest, COUNT_CELLS)
            is_none = hashed < 0
            is_none |= ~are_set_by_numpy(self.kept, hashed)
            hashed %= self.buckets
        hashed += self.first_row
        np.putmask(hashed, is_none, PAD)
        rows[..., 1:] = hashed
        return rows

    def of_first(self, ids: Int64s) -> Int64s:
        """Compute `forward` for the first token of each row alone, if no n-gram is too rare.

        Args:
            ids: that token and those after it, [batch, longest]; PAD where there are no more.

        Returns:
            [batch, longest].
        """
        rows = np.empty_like(ids)
        rows[:, 0] = rolling = ids[:, 0]
        for n in range(1, self.longest):
            rolling = rolling * STEP + ids[:, n]
            hashed = (rolling * SPREAD >> SHIFT & POSITIVE) % self.buckets + self.first_row
            rows[:, n] = np.where(ids[:, n] == PAD, PAD, hashed)
        return rows

    def of_first_one(self, ids: Sequence[int]) -> list[int]:
        """Compute `of_first` for one row, whose numbers Python's integers hash sooner.

        Args:
            ids: the first token and those after it, [longest]; PAD where there are no more.

        Returns:
            [longest].
        """
        rolling, *following = ids
        rows = [rolling]
        for token in following:
            # the lower 51 bits of the hash alone are read, in any width of integers
            rolling = rolling * STEP + token
            hashed = (rolling * SPREAD >> SHIFT & POSITIVE) % self.buckets + self.first_row
            rows.append(PAD if token == PAD else hashed)
        return rows

    def of_row(self, row: HashedRow) -> Tensor:
        """Compute `forward` for one text without padding, [longest, time]."""
        rows = rows_of_row(
            row,
            self.longest,
            vocabulary_size=self.first_row,
            buckets=self.buckets,
            kept=None if self.min_frequency == 1 else self.kept.numpy(),
            counted=COUNT_CELLS,
        )
        return torch.from_numpy(rows)


def spread_ngrams(values: Tensor, *, end: bool = False) -> Tensor:
    """Divide values of n-grams evenly among their tokens, [batch, time, ...].

    Args:
        values: of the n-grams that begin at each token, n = 1, 2, ..., zero where there is none:
            [batch, time, longest, ...].
        end: True if they end at the token instead.
    """
    sums = values[:, :, 0].clone()
    time = values.shape[1]
    for n in range(2, values.shape[2] + 1):
        share = values[:, :, n - 1] / n
        for place in range(min(n, time)):
            if end:
                sums[:, : time - place] += share[:, place:]
            else:
                sums[:, place:] += share[:, : time - place]
    return sums
