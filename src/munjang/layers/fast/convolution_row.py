"""Convolutions of several widths over one row as one matrix product, without gradients."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# Of more places the zeros that make all filters equally wide cost more than a product saves.
MOST_PLACES = 256
_MOST_ZEROS = 2


class WideFilters(NamedTuple):
    """All filters as wide as the widest.

    Attributes:
        weight: [window x dim, filters of all], zero where a filter does not look.
        bias: [filters of all].
        left: places of the window before its own.
        right: places of the window after its own.
    """

    weight: Tensor
    bias: Tensor
    left: int
    right: int


def are_alike(widths: Sequence[int]) -> bool:
    """Return whether filters of these widths are worth widening to a common one."""
    return max(widths) * len(widths) <= _MOST_ZEROS * sum(widths)


def widen_filters(*weights: Tensor) -> WideFilters:
    """Lay out convolutions, given as weight [width, dim, filters], bias [filters] of each in turn.

    A window of even width looks one place further right than left.
    """
    filters, biases = weights[::2], weights[1::2]
    widths = [len(weight) for weight in filters]
    left = max((width - 1) // 2 for width in widths)
    right = max(width // 2 for width in widths)
    padded = []
    for width, weight in zip(widths, filters, strict=True):
        before = left - (width - 1) // 2
        after = left + 1 + right - before - width
        padded.append(F.pad(weight, (0, 0, 0, 0, before, after)))
    return WideFilters(torch.cat(padded, dim=2).flatten(0, 1), torch.cat(biases), left, right)


def convolve_row(filters: WideFilters, row: Tensor) -> Tensor:
    """Return `row` [time, dim] convolved with 'same' zero padding, [time, filters of all]."""
    time, dim = row.shape
    flat = row.new_zeros(filters.left + time + filters.right, dim)
    flat[filters.left : filters.left + time] = row
    windows = flat.as_strided((time, len(filters.weight)), (dim, 1))
    return torch.addmm(filters.bias, windows, filters.weight)
