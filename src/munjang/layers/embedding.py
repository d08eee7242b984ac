"""Token embeddings, with hashed n-grams of tokens beside each token's own row.

With characters as tokens these are the character n-grams of fastText (Bojanowski et al. 2017,
"Enriching word vectors with subword information"); with words as tokens, its word n-grams
(Joulin et al. 2017, "Bag of tricks for efficient text classification").
"""

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.layers.bits import are_set, are_set_by_numpy, packed
from munjang.layers.fast.ngram_row import HashedRow, hash_row, rows_of_row
from munjang.layers.hashing import Int64s, hash_ngrams, hash_ngrams_by_numpy
from munjang.layers.randomness import generator
from munjang.layers.rows import sum_rows
from munjang.layers.spelling import Spelling
from munjang.text.vocabulary import OOV, PAD

# Places to count n-grams in: many more than buckets, so that few rare ones hide behind a frequent.
COUNTED = 2**22

# Of a row's numbers at the beginning.
STD = 0.1

Combiner = Literal["mean", "sqrtn"]


class TokenEmbedding(nn.Module):
    """One vector a token: its own row plus, for `ngrams` > 1, those of the n-grams it starts.

    The rows of one table: first the vocabulary (row 0 is PAD and stays zero), then the buckets.

    Args:
        vocabulary_size: number of ids, PAD included.
        dim: width of a vector.
        ngrams: the largest n; 1 means tokens alone.
        buckets: rows that all n-grams share by hashing; used only when `ngrams` > 1.
        ngram_min_frequency: n-grams rarer than this in the training texts (`count_ngrams`) have no
            row. What stands in one text only teaches nothing but that text.
        token_dropout: share of tokens that read as OOV in training, which also breaks the n-grams
            over them: every pass sees other n-grams, so that no long one is learned by heart. Such
            a token is spelled, as a word out of vocabulary is.
        spelling: the largest n of the character n-grams of each token's own spelling, whose rows
            `forward` adds (see `munjang.layers.spelling`); 0 = none.
        spelling_buckets: rows that those share by hashing.
    """

    kept: Tensor
    _learns: Tensor | None

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        *,
        ngrams: int = 1,
        buckets: int = 2**18,
        ngram_min_frequency: int = 1,
        token_dropout: float = 0.0,
        spelling: int = 0,
        spelling_buckets: int = 2**16,
    ) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.dim = dim
        self.ngrams = ngrams
        self.buckets = buckets if ngrams > 1 else 0
        self.ngram_min_frequency = ngram_min_frequency if ngrams > 1 else 1
        self.token_dropout = token_dropout
        self.weight = nn.Parameter(torch.empty(vocabulary_size + self.buckets, dim))
        self.spelling = (
            Spelling(vocabulary_size, dim, longest=spelling, buckets=spelling_buckets, std=STD)
            if spelling
            else None
        )
        if self.ngram_min_frequency > 1:
            # a bit for each n-gram: whether it stands in the training texts often enough
            self.register_buffer("kept", torch.full((COUNTED // 8,), 255, dtype=torch.uint8))
        # not saved: who trains on reads the same vectors again
        self.register_buffer("_learns", None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Normal with standard deviation 0.1; PAD zero."""
        nn.init.normal_(self.weight, std=STD)
        with torch.no_grad():
            self.weight[PAD] = 0.0

    @torch.no_grad()
    def begin_with(self, ids: Tensor, vectors: Tensor, *, frozen: bool) -> None:
        """Let the rows of some tokens begin as pretrained vectors.

        The tokens' other rows stay as random as they were, but as widely spread as the vectors: a
        normal distribution with the standard deviation of all their numbers. PAD stays zero, and
        the rows of n-grams stay as they were.

        Args:
            ids: [found] int64, none of them PAD.
            vectors: [found, dim].
            frozen: whether these rows get no gradient, and so never change; all others learn.
        """
        spread = float(vectors.std(correction=0))
        if spread > 0:
            self.weight[: self.vocabulary_size] *= spread / STD
        self.weight[ids] = vectors
        if frozen:
            self._learns = torch.ones(len(self.weight), dtype=torch.bool, device=ids.device)
            self._learns[ids] = False

    def count_ngrams(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """See which n-grams of the training texts are frequent enough to have a row.

        Args:
            batches: `ids` [batch, time] and `lengths` [batch] of the training texts.
        """
        if self.ngram_min_frequency == 1:
            return
        counts = torch.zeros(COUNTED + 1, dtype=torch.int64)
        for ids, lengths in batches:
            ids = self._known(ids)
            # places without an n-gram are -1, counted apart in the first cell
            hashed = hash_ngrams(ids, lengths, self.ngrams, COUNTED).flatten() + 1
            counts += torch.bincount(hashed, minlength=COUNTED + 1)
        counts = counts[1:]
        self.kept.copy_(packed(counts >= self.ngram_min_frequency))

    def heard(self, ids: Tensor, mask: Tensor) -> Tensor:
        """`ids` [batch, time] with PAD at padding and OOV for those behind the vocabulary.

        In training also for dropped tokens.
        """
        ids = self._known(ids * mask)  # PAD is 0
        if self.training and self.token_dropout:
            drawn = torch.rand(ids.shape, device=ids.device, generator=generator())
            dropped = drawn < self.token_dropout
            ids = ids.masked_fill(dropped & mask, OOV)
        return ids

    def _known(self, ids: Tensor) -> Tensor:
        return ids.masked_fill(ids >= self.vocabulary_size, OOV)

    def rows(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The rows of the table that each token sums: [batch, time, ngrams], PAD for none."""
        if self.ngrams == 1:
            return ids[..., None]
        if ids.device.type == "cpu":
            return torch.from_numpy(self._rows_by_numpy(ids.numpy(), mask.sum(1).numpy()))
        return torch.cat([ids[..., None], self._ngram_rows(ids, mask.sum(1))], dim=-1)

    def _ngram_rows(self, ids: Tensor, lengths: Tensor) -> Tensor:
        if self.ngram_min_frequency == 1:
            hashed = hash_ngrams(ids, lengths, self.ngrams, self.buckets)
            return torch.where(hashed >= 0, hashed + self.vocabulary_size, PAD)
        hashed = hash_ngrams(ids, lengths, self.ngrams, COUNTED)
        # hashed is -1 at places without an n-gram: the index wraps, the second test discards it
        kept = are_set(self.kept, hashed) & (hashed >= 0)
        return torch.where(kept, hashed % self.buckets + self.vocabulary_size, PAD)

    def _rows_by_numpy(self, ids: Int64s, lengths: npt.NDArray[np.integer]) -> Int64s:
        """As `rows`, of arrays: a text alone takes a fifth of the time."""
        rows = np.empty((*ids.shape, self.ngrams), dtype=np.int64)
        rows[..., 0] = ids
        if self.ngram_min_frequency == 1:
            hashed = hash_ngrams_by_numpy(ids, lengths, self.ngrams, self.buckets)
            none = hashed < 0
        else:
            hashed = hash_ngrams_by_numpy(ids, lengths, self.ngrams, COUNTED)
            none = hashed < 0
            none |= ~are_set_by_numpy(self.kept, hashed)
            hashed %= self.buckets
        hashed += self.vocabulary_size
        np.putmask(hashed, none, PAD)
        rows[..., 1:] = hashed
        return rows

    def _rows_of(self, ids: Tensor, mask: Tensor) -> Tensor:
        """`rows` of what is `heard`; of a text alone each operation of PyTorch counts."""
        if self.training or ids.device.type != "cpu":
            return self.rows(self.heard(ids, mask), mask)
        real = mask.numpy()
        heard = ids.numpy() * real  # PAD is 0
        np.putmask(heard, heard >= self.vocabulary_size, OOV)
        if self.ngrams == 1:
            return torch.from_numpy(heard)[..., None]
        return torch.from_numpy(self._rows_by_numpy(heard, np.count_nonzero(real, axis=1)))

    def forward(self, ids: Tensor, mask: Tensor, row: HashedRow | None = None) -> Tensor:
        """`ids`, `mask` [batch, time] to vectors [batch, time, dim]; padding gives zeros.

        Ids behind the vocabulary are words that only their spelling tells apart; see
        `munjang.layers.spelling.Spelling.spell`. `row` is the batch by `hashed_row`, or None.
        """
        if row is not None:
            vectors = torch.embedding(self.weight, self._rows_of_row(row)).sum(0)[None]
        else:
            rows = self._rows_of(ids, mask)
            summed = sum_rows(self.weight, rows.flatten(0, 1), self._learns)
            vectors = summed.view(*ids.shape, self.dim)
        return vectors if self.spelling is None else vectors + self.spelling(ids * mask)

    def bag(
        self,
        ids: Tensor,
        mask: Tensor,
        combiner: Combiner = "mean",
        row: HashedRow | None = None,
    ) -> Tensor:
        """A row's vectors combined, [batch, dim]; [batch, time, dim] is built for spelling alone.

        `mean` divides the sum of `forward` by the tokens of the row, `sqrtn` by their square root:
        the longer the text, the more evidence. A row without tokens gives zeros. `row` is the
        batch by `hashed_row`, or None.
        """
        if row is not None:
            sums = torch.embedding(self.weight, self._rows_of_row(row).view(-1)).sum(0)[None]
        else:
            rows = self._rows_of(ids, mask)
            sums = sum_rows(self.weight, rows.flatten(1), self._learns)
        if self.spelling is not None:
            sums = sums + self.spelling(ids * mask).sum(1)
        if row is not None:
            count = len(row.ids)
            return sums / (count if combiner == "mean" else math.sqrt(count))
        tokens = mask.sum(1, keepdim=True).clamp(min=1)
        return sums / (tokens if combiner == "mean" else tokens.sqrt())

    def _rows_of_row(self, row: HashedRow) -> Tensor:
        rows = rows_of_row(
            row,
            self.ngrams,
            vocabulary_size=self.vocabulary_size,
            buckets=self.buckets,
            kept=None if self.ngram_min_frequency == 1 else self.kept.numpy(),
            counted=COUNTED,
        )
        return torch.from_numpy(rows)


def hashed_row(ids: Tensor, mask: Tensor, *embeddings: TokenEmbedding | None) -> HashedRow | None:
    """Return a batch of one text as all of `embeddings` read it, of one vocabulary.

    None where the text is not alone, empty or padded, on another device, or something learns.
    """
    if len(ids) != 1 or ids.device.type != "cpu" or torch.is_grad_enabled():
        return None
    readers = [embedding for embedding in embeddings if embedding is not None]
    if not ids.numel() or readers[0].training or not mask.numpy().all():
        return None
    visible = ids.numpy()[0].copy()
    np.putmask(visible, visible >= readers[0].vocabulary_size, OOV)
    return hash_row(visible, max(reader.ngrams for reader in readers))
