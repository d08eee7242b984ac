"""Sums of embedding rows with a row-sparse gradient.

A dense gradient of an embedding has one row per token of the vocabulary, and a dense optimizer
updates them all at each step. Here the gradient is a sparse tensor of the rows in the batch,
already sorted and summed, for `munjang.training.optimizers`.
"""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from munjang.text.columns import Int64s
from munjang.text.vocabulary import PAD

# Rows per bag from which on PAD is left out of the sums; below, to find it takes longer.
_WIDE = 16


class _SumRows(torch.autograd.Function):
    """Autograd function from `ids` [bags, per bag] and `weight` [rows, dim] to sums [bags, dim]."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, ids: Tensor, learns: Tensor | None) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.rows = weight.shape[0]
        ctx.learns = learns
        # detached: asked for a gradient, embedding_bag would prepare one of its own
        return _sums_of_bags(weight.detach(), ids)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (grad,) = grads
        (ids,) = ctx.saved_tensors
        group = bags_of_rows_by_numpy if ids.device.type == "cpu" else bags_of_rows
        rows, starts, bags = group(ids, ctx.rows)
        sums = _sums(grad.contiguous(), bags, starts)
        if ctx.learns is not None:
            learning = ctx.learns[rows]
            rows, sums = rows[learning], sums[learning]
        touched = torch.sparse_coo_tensor(
            rows[None], sums, (ctx.rows, grad.shape[1]), is_coalesced=True, check_invariants=False
        )
        return touched, None, None


def _sums(weight: Tensor, ids: Tensor, starts: Tensor) -> Tensor:
    """Return the sum of the rows of each bag; `F.embedding_bag` spends more on its checks."""
    return torch.embedding_bag(weight, ids, starts, False, 0, False)[0]


def _sums_of_bags(weight: Tensor, ids: Tensor) -> Tensor:
    """Return the sums of the rows of `ids` [bags, per bag], [bags, dim]."""
    bags, size = ids.shape
    if size > _WIDE and bags > 1 and ids.device.type == "cpu":
        return _sums_of_wide_bags(weight, ids.numpy())
    starts = torch.arange(0, bags * size, max(size, 1), device=ids.device)
    return _sums(weight, ids.reshape(-1), starts)


def _sums_of_wide_bags(weight: Tensor, ids: Int64s) -> Tensor:
    """Return the sums of bags that may be half PAD, whose zeros are not added."""
    is_real = ids != PAD
    starts = np.zeros(len(ids), dtype=np.int64)
    np.cumsum(is_real.sum(1)[:-1], out=starts[1:])
    return _sums(weight, torch.from_numpy(ids[is_real]), torch.from_numpy(starts))


def bags_of_rows(ids: Tensor, table: int) -> tuple[Tensor, Tensor, Tensor]:
    """Group the bags of `ids` [bags, per bag] by row.

    PAD is left out. `table` is one more than the largest possible id.

    Returns:
        The distinct rows, where the bags of each start, and the bags of all rows.
    """
    # one number holds a row and its bag, so that a sort of plain numbers will do
    bits = len(ids).bit_length()
    pairs = (ids << bits) + torch.arange(len(ids), device=ids.device)[:, None]
    pairs = pairs[ids != PAD].sort().values
    row_of = pairs >> bits
    first = torch.ones_like(row_of, dtype=torch.bool)
    torch.ne(row_of[1:], row_of[:-1], out=first[1:])
    starts = first.nonzero().squeeze(1)
    return row_of[starts], starts, pairs & ((1 << bits) - 1)


def bags_of_rows_by_numpy(ids: Tensor, table: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compute `bags_of_rows` with NumPy, which sorts ten times as fast on a CPU."""
    numbers = ids.numpy()
    bits = len(numbers).bit_length()
    # half as wide where row and bag fit: the sort takes two thirds of the time
    kind: type[np.signedinteger[Any]] = np.int32 if table.bit_length() + bits < 32 else np.int64
    pairs = (numbers.astype(kind) << kind(bits)) + np.arange(len(numbers), dtype=kind)[:, None]
    pairs = pairs[numbers != PAD]
    pairs.sort()
    row_of = pairs >> bits
    first = np.ones(len(row_of), dtype=bool)
    np.not_equal(row_of[1:], row_of[:-1], out=first[1:])
    starts = first.nonzero()[0]
    pairs &= (1 << bits) - 1
    rows, bags = row_of[starts].astype(np.int64), pairs.astype(np.int64)
    return torch.from_numpy(rows), torch.from_numpy(starts), torch.from_numpy(bags)


def sum_rows(weight: Tensor, ids: Tensor, learns: Tensor | None = None) -> Tensor:
    """Sum the rows of `weight` that the ids of each bag name.

    Args:
        weight: [rows, dim], row 0 (PAD) zero. Its gradient is sparse and coalesced, without the
            PAD row, which therefore stays zero. (`padding_idx` would do so at ten times the cost.)
        ids: [bags, per bag] int64.
        learns: [rows], False for rows that get no gradient; None if all do.

    Returns:
        [bags, dim].
    """
    if not torch.is_grad_enabled():  # `apply` alone takes as long as the sums of one text
        return _sums_of_bags(weight, ids)
    return cast(Tensor, _SumRows.apply(weight, ids, learns))  # type: ignore[no-untyped-call]
