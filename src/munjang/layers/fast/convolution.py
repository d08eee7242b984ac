"""Convolution over time by matrix products on shifted slices of one flat buffer."""

from collections.abc import Sequence
from typing import Any, Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.fast.convolution_row import (
    MOST_PLACES,
    WideFilters,
    are_alike,
    convolve_row,
    widen_filters,
)
from munjang.layers.fast.derived import DerivedWeights

# Up to this many places, one product over copied windows is faster than a product per offset.
_FEW = 256


def slide_products(flat: Tensor, weight: Tensor, bias: Tensor, out: Tensor) -> None:
    """Write into `out` [places, filters] the sum over k of flat[i + k] @ weight[k], plus `bias`.

    Args:
        flat: [places + width - 1, dim] or longer.
        weight: [width, dim, filters].
        bias: [filters].
        out: overwritten; its rows may lie apart.
    """
    places = len(out)
    torch.addmm(bias, flat[:places], weight[0], out=out)
    for k in range(1, len(weight)):
        out.addmm_(flat[k : k + places], weight[k])


def _window_products(flat: Tensor, weight: Tensor, bias: Tensor, out: Tensor) -> None:
    """Compute `slide_products` as one product of whole windows."""
    width, dim, filters = weight.shape
    windows = flat.as_strided((len(out), width * dim), (dim, 1), flat.storage_offset())
    torch.addmm(bias, windows, weight.reshape(width * dim, filters), out=out)


def concatenate_maps(convolutions: Sequence["TimeConvolution"], states: Tensor) -> Tensor:
    """Return the outputs of all convolutions, concatenated: [batch, time, filters of all].

    Without gradients: pads once and writes every output into its place.

    Args:
        convolutions: layers of the same input width.
        states: [batch, time, dim], zero at padding.
    """
    time = states.shape[1]
    left = max(c.left for c in convolutions)
    right = max(c.width - 1 - c.left for c in convolutions)
    flat = F.pad(states, (0, 0, left, right)).flatten(0, 1)
    places = len(flat) - left - right
    products = flat.new_empty(len(flat), sum(c.bias.shape[0] for c in convolutions))
    products[places:] = 0.0
    column = 0
    for c in convolutions:
        out = products[:places, column : column + c.bias.shape[0]]
        if places <= _FEW:
            _window_products(flat[left - c.left :], c.weight, c.bias, out)
        else:
            slide_products(flat[left - c.left :], c.weight, c.bias, out)
        column += c.bias.shape[0]
    return products.view(len(states), time + left + right, -1)[:, :time]


class _SlideProducts(torch.autograd.Function):
    """Autograd function: `flat` [places, dim] convolved with `weight` [width, dim, filters].

    Place i of the result is the sum over k of flat[i + k] @ weight[k]. The last width - 1 places,
    whose windows would run past the end, are zero.
    """

    @staticmethod
    def forward(ctx: Any, flat: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(flat, weight)
        whole = len(flat) - len(weight) + 1
        result = flat.new_empty(len(flat), weight.shape[2])
        result[whole:] = 0.0
        slide_products(flat, weight, bias, result[:whole])
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        flat, weight = ctx.saved_tensors
        whole = len(flat) - len(weight) + 1
        grad = grads[0][:whole]
        to_flat = torch.zeros_like(flat)
        to_weight = torch.empty_like(weight)
        for k in range(len(weight)):
            to_flat[k : k + whole].addmm_(grad, weight[k].T)
            torch.mm(flat[k : k + whole].T, grad, out=to_weight[k])
        return to_flat, to_weight, grad.sum(0)


class TimeConvolution(nn.Module):
    """The 1-D convolution of `nn.Conv1d`, on [batch, time, dim], with 'same' zero padding.

    All rows are concatenated in one flat buffer, with a few zeros between them. The convolution is
    then `width` matrix products of shifted slices, without copy or transposition; on a CPU this is
    several times as fast as `nn.Conv1d` at the sizes of text.

    Args:
        dim: width of an input vector.
        filters: width of an output vector.
        width: tokens per window. An even width covers one more token to the right than to the left.
    """

    def __init__(self, dim: int, filters: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.left = (width - 1) // 2
        bound = (width * dim) ** -0.5
        self.weight = nn.Parameter(torch.empty(width, dim, filters).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(filters).uniform_(-bound, bound))

    def forward(self, states: Tensor) -> Tensor:
        """Convolve `states` [batch, time, dim], zero at padding, to [batch, time, filters].

        The output at padding is not zero: mask it before pooling.
        """
        batch, time, _ = states.shape
        padded = F.pad(states, (0, 0, self.left, self.width - 1 - self.left))
        result = cast(
            Tensor,
            _SlideProducts.apply(padded.flatten(0, 1), self.weight, self.bias),  # type: ignore[no-untyped-call]
        )
        return result.view(batch, time + self.width - 1, -1)[:, :time]


class Convolutions(nn.ModuleList):
    """Convolutions of several widths over the same vectors.

    Args:
        dim: width of an input vector.
        filters: filters per width.
        widths: tokens per window, one convolution per width.
    """

    def __init__(self, dim: int, filters: int, widths: Sequence[int]) -> None:
        super().__init__(TimeConvolution(dim, filters, width) for width in widths)
        self._are_alike = are_alike(widths)
        self._wide: DerivedWeights[WideFilters] = DerivedWeights()

    def layers(self) -> list[TimeConvolution]:
        """Return the convolutions in order."""
        return cast(list[TimeConvolution], list(self))

    def concatenate_maps(self, states: Tensor) -> Tensor:
        """Return the outputs of all convolutions without gradients, [batch, time, filters of all].

        Args:
            states: [batch, time, dim], zero at padding.
        """
        is_row = len(states) == 1 and states.shape[1] <= MOST_PLACES
        if not is_row or not self._are_alike or self.training:
            return concatenate_maps(self.layers(), states)
        weights = [tensor for c in self.layers() for tensor in c._parameters.values()]
        filters = self._wide.get(cast(tuple[Tensor, ...], tuple(weights)), widen_filters)
        return convolve_row(filters, states[0])[None]

    def train(self, mode: bool = True) -> Self:
        """Set the mode; a training mode drops the derived weights."""
        if mode:
            self._wide.clear()
        return super().train(mode)
