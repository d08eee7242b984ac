"""Convolutions of several widths over rows of unlike lengths, without gradients and padding.

The rows are put one after the other, with as many zeros between them as a window reads beyond a
row. A batch then costs what its real tokens cost: 24 reviews of 5 to 140 characters have four times
as many padded places.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from munjang.layers.fast.convolution import TimeConvolution, slide_products

# With a smaller share of padding, moving the rows costs more than it saves.
_PADDING = 0.25


class UnpaddedMaps(NamedTuple):
    """Outputs of convolutions at all real places, and at a few between the rows.

    Attributes:
        maps: [places, filters of all].
        bounds: first place of each row, and the place after its last.
    """

    maps: Tensor
    bounds: list[tuple[int, int]]


def has_much_padding(mask: Tensor) -> bool:
    """Return whether `unpadded_maps` is worth its copies: `mask` [batch, time], on the CPU."""
    return mask.device.type == "cpu" and bool(mask.numpy().mean() < 1 - _PADDING)


def unpadded_maps(
    convolutions: Sequence[TimeConvolution], states: Tensor, mask: Tensor
) -> UnpaddedMaps:
    """Return the outputs of all convolutions at the real places.

    Args:
        convolutions: layers of the same input width.
        states: [batch, time, dim].
        mask: [batch, time], True = real token, on the CPU.
    """
    left = max(c.left for c in convolutions)
    gap = left + max(c.width - 1 - c.left for c in convolutions)
    real = mask.numpy()
    lengths = real.sum(1)
    ends = np.cumsum(lengths + gap) - gap
    starts = ends - lengths
    # where each real token stands: after the zeros that the windows of its row read before it
    before = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    target = np.arange(len(before)) + before + left
    places = int(ends[-1])
    flat = states.new_zeros(places + gap, states.shape[2])
    tokens = states.flatten(0, 1).index_select(0, torch.from_numpy(np.flatnonzero(real)))
    flat.index_copy_(0, torch.from_numpy(target), tokens)
    maps = states.new_empty(places, sum(len(c.bias) for c in convolutions))
    column = 0
    for c in convolutions:
        out = maps[:, column : column + len(c.bias)]
        slide_products(flat[left - c.left :], c.weight, c.bias, out)
        column += len(c.bias)
    return UnpaddedMaps(maps, list(zip(starts.tolist(), ends.tolist(), strict=True)))
