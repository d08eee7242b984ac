"""Embeddings of both sides of an encoder-decoder, and its output layer over the target words."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.fast.sparse_rows import sum_rows
from munjang.layers.projection import Projected
from munjang.text.vocabulary import PAD


class PairEmbedding(nn.Module):
    """One vector a token of the source and of the target, and logits of the next target token.

    Up to three tables, of which some may be one: the source's, the target's, and the weights of the
    output. "Using the output embedding to improve language models" (Press and Wolf 2017) makes the
    last two one (`tie`), and all three where both sides have one vocabulary (`share`).

    All tables begin normal with standard deviation 1 / √width, so that a state whose numbers are
    about 1 gives logits about 1. Vectors are as short as that; a model that wants numbers about 1
    multiplies them by √dim. The bias of the output begins at zero.

    A table that the output reads gets a dense gradient, any other a row-sparse one.

    Args:
        source: ids of the source side, PAD included.
        target: ids of the target side, PAD included.
        dim: width of a token's vector.
        share: one table for both sides, which must then have as many ids.
        tie: score a target token with its own vector.
        out_dim: width of the states that `project` takes; `dim` when left out, and whenever tied.
    """

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
            raise ValueError(f"sides that share a table have as many ids: {source} and {target}")
        out_dim = dim if out_dim is None else out_dim
        if tie and out_dim != dim:
            raise ValueError(f"tied to vectors of {dim}, the output takes no states of {out_dim}")
        self.dim = dim
        self.out_dim = out_dim
        self.target_table = _table(target, dim)
        self.source_table = None if share else _table(source, dim)
        self.output_table = None if tie else _table(target, out_dim)
        self.bias = nn.Parameter(torch.zeros(target))

    def source(self, ids: Tensor) -> Tensor:
        """Source `ids` of any shape to vectors [..., dim]; PAD gives zeros."""
        if self.source_table is None:
            return self.target(ids)
        return _sparse_lookup(self.source_table, ids)

    def target(self, ids: Tensor) -> Tensor:
        """Target `ids` of any shape to vectors [..., dim]; PAD gives zeros."""
        if self.output_table is None:
            return _dense_lookup(self.target_table, ids)
        return _sparse_lookup(self.target_table, ids)

    def project(self, states: Tensor) -> Projected:
        """`states` [rows, out_dim] with the output layer that makes logits of them."""
        table = self.target_table if self.output_table is None else self.output_table
        # after autocast a state may be of half the width, which is too narrow to sum a loss in
        return Projected(states.to(table.dtype), table, self.bias)


def _table(ids: int, dim: int) -> nn.Parameter:
    table = torch.randn(ids, dim) * dim**-0.5
    table[PAD] = 0.0
    return nn.Parameter(table)


def _sparse_lookup(table: Tensor, ids: Tensor) -> Tensor:
    return sum_rows(table, ids.reshape(-1, 1)).view(*ids.shape, table.shape[1])


def _dense_lookup(table: Tensor, ids: Tensor) -> Tensor:
    # the output's gradient moves the row of PAD too: it is a word that never comes
    return F.embedding(ids, table).masked_fill((ids == PAD)[..., None], 0.0)
