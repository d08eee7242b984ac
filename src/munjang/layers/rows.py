"""Row-sparse lookup: the backward pass touches only the rows that the batch used.

A dense gradient of an embedding has one row for every token that exists, and a dense optimiser
walks them all at each step. Here the gradient is a sparse tensor of the touched rows, already
sorted and summed, for `munjang.training.optimisers.RowAdamW`.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.text.vocabulary import PAD


class _SumRows(torch.autograd.Function):
    """`ids` [bags, per bag] of `weight` [rows, dim] to sums [bags, dim]; PAD counts as zeros."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.rows = weight.shape[0]
        # detached: asked for a gradient, embedding_bag would prepare one of its own
        return F.embedding_bag(ids, weight.detach(), mode="sum")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (grad,) = grads
        (ids,) = ctx.saved_tensors
        ordered, place = ids.reshape(-1).sort(stable=True)
        first = torch.ones_like(ordered, dtype=torch.bool)
        first[1:] = ordered[1:] != ordered[:-1]
        starts = first.nonzero().squeeze(1)
        rows = ordered[starts]
        bag_of = place.div_(ids.shape[1], rounding_mode="floor")
        sums = F.embedding_bag(bag_of, grad.contiguous(), starts, mode="sum")
        if len(rows) and rows[0] == PAD:
            rows, sums = rows[1:], sums[1:]
        touched = torch.sparse_coo_tensor(
            rows[None], sums, (ctx.rows, grad.shape[1]), is_coalesced=True, check_invariants=False
        )
        return touched, None


def sum_rows(weight: Tensor, ids: Tensor) -> Tensor:
    """Sum, for each bag, the rows of `weight` that its ids name.

    Args:
        weight: [rows, dim], row 0 (PAD) zero. Its gradient is sparse and coalesced, without the
            PAD row, which therefore stays zero. (`padding_idx` would say the same at ten times the
            cost.)
        ids: [bags, per bag] int64.

    Returns:
        [bags, dim].
    """
    return cast(Tensor, _SumRows.apply(weight, ids))  # type: ignore[no-untyped-call]
