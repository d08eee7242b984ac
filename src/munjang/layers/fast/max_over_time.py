"""Maximum over time of several convolutions, with a sparse backward pass.

A maximum passes its gradient to the one place that reached it. So only one in `time` of the
products in a convolution's backward pass is not zero. Those are computed here as weighted sums of
rows: of the filters' weights per place, of the vectors per filter. On a CPU, with activation and
pooling in reverse order, training takes two thirds of the time.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.layers.fast.convolution import TimeConvolution, slide_products
from munjang.layers.masking import masked_max, max_and_shortest


def max_over_time(convolutions: Sequence[TimeConvolution], states: Tensor, mask: Tensor) -> Tensor:
    """Return the maximum over real places of each convolution, [batch, filters of all].

    Equal to `masked_max` of the concatenated outputs in values and gradients:
    places that reach a maximum together share its gradient, a row without real tokens gives zeros.

    Args:
        convolutions: layers of the same input width.
        states: [batch, time, dim], zero at padding.
        mask: [batch, time], True = real token.
    """
    if states.device.type != "cpu":
        return masked_max(torch.cat([c(states) for c in convolutions], dim=-1), mask)
    left = max(c.left for c in convolutions)
    right = max(c.width - 1 - c.left for c in convolutions)
    flat = F.pad(states, (0, 0, left, right)).flatten(0, 1)
    starts = tuple(left - c.left for c in convolutions)
    weights = [tensor for c in convolutions for tensor in (c.weight, c.bias)]
    return cast(Tensor, _MaxOverTime.apply(flat, mask, left + right + 1, starts, *weights))  # type: ignore[no-untyped-call]


class _MaxOverTime(torch.autograd.Function):
    """Autograd function from `flat` [batch x (time + window - 1), dim] to [batch, filters of all].

    The rows are concatenated in `flat`. Convolution j covers the places from `starts[j]` on in the
    window that is wide enough for all.
    """

    @staticmethod
    def forward(
        ctx: Any, flat: Tensor, mask: Tensor, window: int, starts: tuple[int, ...], *weights: Tensor
    ) -> Tensor:
        filters = sum(len(bias) for bias in weights[1::2])
        products = flat.new_empty(len(flat), filters)
        places, column = len(flat) - window + 1, 0
        products[places:] = 0.0
        for start, weight, bias in zip(starts, weights[::2], weights[1::2], strict=True):
            out = products[:places, column : column + len(bias)]
            slide_products(flat[start:], weight, bias, out)
            column += len(bias)
        maps = products.view(len(mask), -1, filters)
        reached, _ = max_and_shortest(maps[:, : mask.shape[1]], mask)
        ctx.window, ctx.starts = window, starts
        ctx.save_for_backward(flat, mask, maps, reached, *weights)
        return reached.masked_fill(~mask.any(1, keepdim=True), 0.0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        # detached: asked for a gradient, embedding_bag would prepare one of its own
        flat, mask, maps, reached, *weights = (saved.detach() for saved in ctx.saved_tensors)
        grad = grads[0].masked_fill(~mask.any(1, keepdim=True), 0.0)
        place, filter_, share = _shares(grad, _reached(maps, mask, reached), maps.shape[1])
        wide = _pad_to_window(weights[::2], ctx.starts, ctx.window)
        to_flat = _to_flat(flat, wide, place, filter_, share)
        to_wide = _to_weights(flat, wide, place, filter_, share)
        to_weights: list[Tensor] = []
        column = 0
        for start, weight in zip(ctx.starts, weights[::2], strict=True):
            width, _, filters = weight.shape
            columns = slice(column, column + filters)
            part = to_wide[columns, start : start + width].permute(1, 2, 0)
            to_weights += [part.contiguous(), grad[:, columns].sum(0)]
            column += filters
        return to_flat, None, None, None, *to_weights


def _reached(maps: Tensor, mask: Tensor, maxima: Tensor) -> Tensor:
    """Return the flat cells of `maps` [batch, time + gap, filters] that reach a maximum, rising."""
    reached = maps == maxima[:, None]
    time = mask.shape[1]
    reached[:, time:] = False
    shortest = int(mask.sum(1).min())
    reached[:, shortest:time] &= mask[:, shortest:, None]
    return torch.from_numpy(np.flatnonzero(reached.numpy()))


def _shares(grad: Tensor, cells: Tensor, period: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the place in the flat buffer, the filter and the share of `grad` of each cell.

    Cells without a gradient are left out.

    Args:
        grad: [batch, filters].
        cells: flat cells in [0, batch x period x filters), rising.
        period: places per row in the flat buffer.
    """
    filters = grad.shape[1]
    place = cells // filters
    row = place // period
    source = cells - (place - row) * filters
    share = grad.reshape(-1)[source] / torch.bincount(source)[source]
    # dropout and the activation have stopped the gradient of many
    kept = torch.from_numpy(np.flatnonzero(share.numpy()))
    cells, place = cells[kept], place[kept]
    return place, cells - place * filters, share[kept]


def _pad_to_window(weights: Sequence[Tensor], starts: Sequence[int], window: int) -> Tensor:
    """Return all filters at the width of the widest, [filters, window, dim], padded with zeros."""
    filters = sum(weight.shape[2] for weight in weights)
    wide = weights[0].new_zeros(filters, window, weights[0].shape[1])
    column = 0
    for start, weight in zip(starts, weights, strict=True):
        width, _, own = weight.shape
        wide[column : column + own, start : start + width] = weight.permute(2, 0, 1)
        column += own
    return wide


def _to_flat(flat: Tensor, wide: Tensor, place: Tensor, filter_: Tensor, share: Tensor) -> Tensor:
    """Return the gradient of `flat`: per place the weights of the filters with a maximum there."""
    _, window, dim = wide.shape
    whole = len(flat) - window + 1
    first = torch.searchsorted(place, torch.arange(whole))
    sums = F.embedding_bag(
        filter_, wide.flatten(1), first, mode="sum", per_sample_weights=share
    ).view(whole, window, dim)
    gradient = torch.zeros_like(flat)
    for k in range(window):
        gradient[k : k + whole] += sums[:, k]
    return gradient


def _to_weights(
    flat: Tensor, wide: Tensor, place: Tensor, filter_: Tensor, share: Tensor
) -> Tensor:
    """Return the gradient of the filters, [filters, window, dim]: the windows at their maxima."""
    filters, window, _ = wide.shape
    whole = len(flat) - window + 1
    # one integer holds a filter and the index of its cell, so that plain integers can be sorted
    bits = len(place).bit_length()
    pairs = (filter_.numpy() << bits) + np.arange(len(place))
    pairs.sort()
    by_filter = torch.from_numpy(pairs & ((1 << bits) - 1))
    first = torch.from_numpy(np.searchsorted(pairs, np.arange(filters) << bits))
    place, share = place[by_filter], share[by_filter]
    gradient = torch.empty_like(wide)
    for k in range(window):
        gradient[:, k] = F.embedding_bag(
            place, flat[k : k + whole], first, mode="sum", per_sample_weights=share
        )
    return gradient
