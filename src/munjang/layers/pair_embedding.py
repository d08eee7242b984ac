"""Embeddings of both sides of an encoder-decoder, and its output layer over target tokens."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.projection import Projected
from munjang.text.vocabulary import PAD


class PairEmbedding(nn.Module):
    """Source and target embeddings, and the output layer that scores the next target token.

    Up to three tables, some of which may be the same: source embedding, target embedding, output
    weights. With `tie`, the last two are one ("Using the output embedding to improve language
    models", Press and Wolf 2017); with `share` too, where both sides have one vocabulary, all are.

    Tables are initialized from a normal distribution of standard deviation 1 / √dim, so that
    states of size about 1 give logits of about 1. Embedded tokens are as small; a model that needs
    size about 1 multiplies them by √dim. The bias of the output layer is initialized with zeros.

    The table that the output layer reads has a dense gradient, any other a row-sparse one.

    Args:
        source: ids of the source side, PAD included.
        target: ids of the target side, PAD included.
        dim: width of an embedded token.
        share: one table for both sides, which must then have the same number of ids.
        tie: the output weights are the target embedding.
        out_dim: width of the states that `project` reads; None: dim. With `tie` always dim.

    Raises:
        ValueError: sides that share a table differ in their number of ids, or a tied output layer
            is to read states of another width.
    """

    embedding_tables: ClassVar = ("target_table", "source_table")

    def __init__(
        self,
        source: int,
        target: int,
        dim: int,
        *,
        share: bool,
        tie: bool,
        out_dim: int | None = None,
    ) -> None:
        super().__init__()
        if share and source != target:
            raise ValueError(f"sides that share a table need as many ids: {source} and {target}")
        out_dim = dim if out_dim is None else out_dim
        if tie and out_dim != dim:
            raise ValueError(
                f"expected out_dim {dim}, as of the tied embedding, got states of {out_dim}"
            )
        self.dim = dim
        self.out_dim = out_dim
        self.target_table = _table(target, dim)
        self.source_table = None if share else _table(source, dim)
        self.output_table = None if tie else _table(target, out_dim)
        self.bias = nn.Parameter(torch.zeros(target))

    def embed_source(self, ids: Tensor) -> Tensor:
        """Embed source `ids` of any shape: [..., dim]; PAD gives zeros."""
        if self.source_table is None:
            return self.embed_target(ids)
        return _sparse_lookup(self.source_table, ids)

    def embed_target(self, ids: Tensor) -> Tensor:
        """Embed target `ids` of any shape: [..., dim]; PAD gives zeros."""
        if self.output_table is None:
            return _dense_lookup(self.target_table, ids)
        return _sparse_lookup(self.target_table, ids)

    def embed_sides(self, source: Tensor, target: Tensor) -> Tensor:
        """Embed `source` and `target`, ids [batch, time] each: [batch, time of both, dim]."""
        return torch.cat([self.embed_source(source), self.embed_target(target)], dim=1)

    def project(self, states: Tensor) -> Projected:
        """Return `states` [..., out_dim] with the output layer."""
        table = self.target_table if self.output_table is None else self.output_table
        # after autocast states may be bfloat16, too coarse to sum a loss in
        return Projected(states.to(table.dtype), table, self.bias)


def _table(ids: int, dim: int) -> nn.Parameter:
    table = torch.randn(ids, dim) * dim**-0.5
    table[PAD] = 0.0
    return nn.Parameter(table)


def _sparse_lookup(table: Tensor, ids: Tensor) -> Tensor:
    return sum_rows(table, ids.reshape(-1, 1)).view(*ids.shape, table.shape[1])


def _dense_lookup(table: Tensor, ids: Tensor) -> Tensor:
    # the output layer's gradient moves the row of PAD too, as a token that never comes
    return F.embedding(ids, table).masked_fill((ids == PAD)[..., None], 0.0)
