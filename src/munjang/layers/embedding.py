"""Token embeddings, with the rows of hashed n-grams added to each token's own row."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from munjang.layers.fast.ngram_row import HashedRow, hash_row
from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.ngram_rows import NgramRows
from munjang.layers.randomness import current_generator
from munjang.layers.subword_schemes import SUBWORD_SCHEMES, SubwordScheme
from munjang.layers.subword_units import SubwordUnits
from munjang.text.vocabulary import OOV, PAD

# Standard deviation of a row's initial values.
STD = 0.1

Combiner = Literal["mean", "sqrtn"]


class _WithoutPad(torch.autograd.Function):
    """Autograd function: the rows of a table as they are, without a gradient for PAD."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        return rows.view_as(rows)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        gradient = grads[0].clone()
        gradient[PAD] = 0.0
        return gradient


class _FirstRows(torch.autograd.Function):
    """Autograd function: the first rows of a table, with a row-sparse gradient, none for PAD.

    That of a slice is as large as the table, and so the optimizer would update all of its rows.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, count: int) -> Tensor:
        ctx.shape = table.shape
        return table[:count]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (gradient,) = grads
        rows = torch.arange(PAD + 1, len(gradient), device=gradient.device)
        touched = torch.sparse_coo_tensor(
            rows[None], gradient[PAD + 1 :], ctx.shape, is_coalesced=True, check_invariants=False
        )
        return touched, None


class TokenEmbedding(nn.Module):
    """One vector per token: its own row plus, for `ngrams` > 1, those of the n-grams it starts.

    One table holds all rows: first the vocabulary (row 0 is PAD and stays zero), then the buckets.

    Args:
        vocabulary_size: number of ids, PAD included.
        dim: width of a vector.
        ngrams: the largest n; 1 = tokens only.
        buckets: number of rows that all n-grams share by hashing; used only if `ngrams` > 1.
        ngram_min_frequency: n-grams rarer than this in the training texts (`count_ngrams`) have no
            row.
        token_dropout: fraction of tokens replaced by OOV in training. This breaks the n-grams that
            contain them too, so that no long n-gram is memorized. With `subword_ngrams` such a
            token keeps its subwords, as an out-of-vocabulary word does.
        subword_ngrams: the largest n of the character n-grams of each token, whose rows `forward`
            adds (see `munjang.layers.subword_embedding`); 0 = none.
        subword_buckets: number of rows that those share by hashing.
        subword_units: letters or jamo, see `munjang.layers.subword_units`.
        subword_scheme: how n-grams make vectors, see `munjang.layers.subword_schemes`.
    """

    _is_trained: Tensor | None

    embedding_tables: ClassVar = ("weight",)

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        *,
        ngrams: int = 1,
        buckets: int = 2**18,
        ngram_min_frequency: int = 1,
        token_dropout: float = 0.0,
        subword_ngrams: int = 0,
        subword_buckets: int = 2**16,
        subword_units: SubwordUnits = "letters",
        subword_scheme: SubwordScheme = "sum",
    ) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.dim = dim
        self.ngrams = ngrams
        self.buckets = buckets if ngrams > 1 else 0
        self.token_dropout = token_dropout
        self.weight = nn.Parameter(torch.empty(vocabulary_size + self.buckets, dim))
        self.subwords = (
            SUBWORD_SCHEMES[subword_scheme](
                vocabulary_size,
                dim,
                max_n=subword_ngrams,
                buckets=subword_buckets,
                std=STD,
                units=subword_units,
            )
            if subword_ngrams
            else None
        )
        min_frequency = ngram_min_frequency if ngrams > 1 else 1
        self.rows = NgramRows(vocabulary_size, ngrams, self.buckets, min_frequency)
        # not saved: a resumed training reads the same vectors again
        self.register_buffer("_is_trained", None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw rows from a normal distribution with standard deviation 0.1; PAD is zero."""
        nn.init.normal_(self.weight, std=STD)
        with torch.no_grad():
            self.weight[PAD] = 0.0

    def tied_weight(self) -> Tensor:
        """Return the rows of the vocabulary, [vocabulary size, dim], as weights of an output layer.

        The row of PAD gets no gradient of that layer, so that it stays zero. Where the table has
        rows of n-grams, the gradient is row-sparse, as that of `forward` is.
        """
        if not torch.is_grad_enabled():
            return self.weight[: self.vocabulary_size]
        if self.buckets:
            return cast(Tensor, _FirstRows.apply(self.weight, self.vocabulary_size))  # type: ignore[no-untyped-call]
        return cast(Tensor, _WithoutPad.apply(self.weight[: self.vocabulary_size]))  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def load_vectors(self, ids: Tensor, vectors: Tensor, *, frozen: bool) -> None:
        """Initialize the rows of some tokens with pretrained vectors.

        The rows of other tokens stay random, but are scaled to the spread of the vectors: the
        standard deviation of all their numbers. PAD stays zero, and rows of n-grams do not change.

        Args:
            ids: [tokens] int64, none of them PAD.
            vectors: [tokens, dim].
            frozen: True if these rows get no gradient; all others are trained.
        """
        spread = float(vectors.std(correction=0))
        if spread > 0:
            self.weight[: self.vocabulary_size] *= spread / STD
        self.weight[ids] = vectors
        if frozen:
            self._is_trained = torch.ones(len(self.weight), dtype=torch.bool, device=ids.device)
            self._is_trained[ids] = False

    def count_ngrams(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Count the n-grams of the training texts, so that only frequent ones have a row.

        Args:
            batches: ids [batch, time] and lengths [batch] of the training texts.
        """
        self.rows.count((self._map_oov(ids), lengths) for ids, lengths in batches)

    def visible_ids(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map `ids` [batch, time] to PAD at padding and to OOV beyond the vocabulary.

        Tokens dropped in training are mapped to OOV too.
        """
        ids = self._map_oov(ids * mask)  # PAD is 0
        if self.training and self.token_dropout:
            draws = torch.rand(ids.shape, device=ids.device, generator=current_generator())
            is_dropped = draws < self.token_dropout
            ids = ids.masked_fill(is_dropped & mask, OOV)
        return ids

    def _map_oov(self, ids: Tensor) -> Tensor:
        return ids.masked_fill(ids >= self.vocabulary_size, OOV)

    def _visible_rows(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the table rows [batch, time, ngrams] of the visible ids."""
        if self.training or ids.device.type != "cpu":
            rows: Tensor = self.rows(self.visible_ids(ids, mask), mask)
            return rows
        is_real = mask.numpy()
        visible = ids.numpy() * is_real  # PAD is 0
        np.putmask(visible, visible >= self.vocabulary_size, OOV)
        return torch.from_numpy(self.rows.by_numpy(visible, np.count_nonzero(is_real, axis=1)))

    def forward(self, ids: Tensor, mask: Tensor, row: HashedRow | None = None) -> Tensor:
        """Return the vectors [batch, time, dim] of `ids` [batch, time]; zeros at padding.

        Args:
            ids: token ids. Those beyond the vocabulary are words that only their subwords tell
                apart, see `munjang.layers.subword_table.SubwordTable.set_oov_words`.
            mask: [batch, time], True = real token.
            row: the same batch by `hash_batch`, or None.
        """
        if row is not None:
            vectors = torch.embedding(self.weight, self.rows.of_row(row)).sum(0)[None]
        else:
            rows = self._visible_rows(ids, mask)
            sums = sum_rows(self.weight, rows.flatten(0, 1), self._is_trained)
            vectors = sums.view(*ids.shape, self.dim)
        return vectors if self.subwords is None else vectors + self.subwords(ids * mask)

    def can_read_next(self) -> bool:
        """Return whether `next_vectors` may be called: float32, on the CPU, without gradients."""
        if self.training or torch.is_grad_enabled() or self.subwords is not None:
            return False
        weight = self.weight
        is_plain = weight.dtype == torch.float32 and weight.device.type == "cpu"
        return is_plain and self.rows.min_frequency == 1

    def next_vectors(self, ids: Tensor, previous: Tensor) -> Tensor:
        """Return the vectors of tokens with n-grams that end at them, if `can_read_next`.

        They are those of `forward` for the first token of each row read backwards.

        Args:
            ids: one token per row, [batch].
            previous: the tokens before it, [batch, ngrams - 1]; PAD where there is none.

        Returns:
            [batch, dim].
        """
        if len(ids) == 1:
            return self._next_vector(int(ids), previous)
        backwards = np.empty((len(ids), self.ngrams), dtype=np.int64)
        backwards[:, 0] = ids.numpy()
        backwards[:, 1:] = previous.numpy()[:, ::-1]
        np.putmask(backwards, backwards >= self.vocabulary_size, OOV)
        rows = torch.from_numpy(self.rows.of_first(backwards))
        return torch.embedding(self.weight, rows).sum(1)

    def _next_vector(self, token: int, previous: Tensor) -> Tensor:
        """Compute `next_vectors` of one token, [1, dim]."""
        ids = [token, *reversed(previous.view(-1).tolist())]
        visible = [OOV if each >= self.vocabulary_size else each for each in ids]
        table = self.weight.detach().numpy()
        own, *others = self.rows.of_first_one(visible)
        vector = table[own : own + 1]
        for row in others:
            vector = vector + table[row]
        return torch.from_numpy(vector if others else vector.copy())

    def ngram_vectors(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the parts of each vector of `forward` that rows of n-grams are.

        Args:
            ids: [batch, time].
            mask: [batch, time], True = real token.

        Returns:
            [batch, time, ngrams - 1, dim]: at [.., i, n - 2] the row of the n-gram that begins at
            token i, zeros without one.
        """
        rows = self._visible_rows(ids, mask)[..., 1:]
        return torch.nn.functional.embedding(rows, self.weight)

    def bag(
        self,
        ids: Tensor,
        mask: Tensor,
        combiner: Combiner = "mean",
        row: HashedRow | None = None,
    ) -> Tensor:
        """Return one combined vector per row, [batch, dim]: `combine` of `forward`, but faster.

        [batch, time, dim] is built for subwords only. The arguments are those of `forward` and
        `combine`.
        """
        if row is not None:
            sums = torch.embedding(self.weight, self.rows.of_row(row).view(-1)).sum(0)[None]
        else:
            rows = self._visible_rows(ids, mask)
            sums = sum_rows(self.weight, rows.flatten(1), self._is_trained)
        if self.subwords is not None:
            sums = sums + self.subwords(ids * mask).sum(1)
        if row is not None:
            tokens = len(row.ids)
            return sums / (tokens if combiner == "mean" else math.sqrt(tokens))
        return _divide(sums, mask, combiner)


def combine(vectors: Tensor, mask: Tensor, combiner: Combiner) -> Tensor:
    """Combine the vectors of each row, zero at padding, [batch, time, dim] to [batch, dim].

    `mean` divides their sum by the number of tokens, `sqrtn` by its square root: longer texts get
    longer vectors. A row without tokens gives zeros.
    """
    return _divide(vectors.sum(1), mask, combiner)


def _divide(sums: Tensor, mask: Tensor, combiner: Combiner) -> Tensor:
    tokens = mask.sum(1, keepdim=True).clamp(min=1)
    return sums / (tokens if combiner == "mean" else tokens.sqrt())


def hash_batch(ids: Tensor, mask: Tensor, *embeddings: TokenEmbedding | None) -> HashedRow | None:
    """Hash a batch of one text once for all of `embeddings`, which share a vocabulary.

    Returns:
        None if there are more rows, no tokens, padding, gradients or training, or if the batch is
        not on the CPU.
    """
    if len(ids) != 1 or ids.device.type != "cpu" or torch.is_grad_enabled():
        return None
    readers = [embedding for embedding in embeddings if embedding is not None]
    if not ids.numel() or readers[0].training or not mask.numpy().all():
        return None
    visible = ids.numpy()[0].copy()
    np.putmask(visible, visible >= readers[0].vocabulary_size, OOV)
    return hash_row(visible, max(reader.ngrams for reader in readers))
