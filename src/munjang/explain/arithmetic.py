"""The arithmetic of embeddings, convolutions and poolings, written out from the layer itself.

Any other layer is shown by its shapes and counts alone, so that a new encoder needs nothing here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

from torch import nn

from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fast.convolution import TimeConvolution
from munjang.layers.image_convolution import ImageConvolution, ImagePooling, zeros_around
from munjang.layers.pooling import Pooling
from munjang.layers.segments import SegmentEmbedding

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One call of a layer, as hooks have seen it.

    Attributes:
        order: of its begin among all calls.
        input: shape of the first argument for one row, channels last.
        output: shape of the result for one row, channels last.
    """

    order: int
    input: Shape
    output: Shape


@singledispatch
def write_arithmetic(layer: nn.Module, call: Call | None) -> str:
    """Return how a layer gets from its input to its output; "" for an unknown kind of layer.

    Args:
        layer: any layer.
        call: None if `forward` was not called: the parent used another method.
    """
    del layer, call
    return ""


@write_arithmetic.register
def _(layer: TokenEmbedding, call: Call | None) -> str:
    rows = f"{layer.vocabulary_size:,}"
    if layer.buckets:
        rows += f" + {layer.buckets:,} for n-grams"
    subwords = sum(len(p) for p in layer.parameters()) - layer.vocabulary_size - layer.buckets
    if subwords:
        rows += f" + {subwords:,} for subwords"
    return f"{rows} rows of {layer.dim}, {'looked up' if call else 'summed over the text'}"


@write_arithmetic.register
def _(layer: SegmentEmbedding, call: Call | None) -> str:
    return f"{len(layer.weight):,} rows of {layer.dim}, looked up"


@write_arithmetic.register
def _(layer: TimeConvolution, call: Call | None) -> str:
    return _one_side(call.input[0], layer.width, 1, layer.width - 1) if call else ""


@write_arithmetic.register
def _(layer: ImageConvolution, call: Call | None) -> str:
    kernel, stride = layer.kernel, layer.stride
    return _both_sides(
        _one_side(side, kernel, stride, sum(zeros_around(side, kernel, stride, layer.padding)))
        if layer.padding == "same"
        else _one_side(side, kernel, stride)
        for side in (call.input[:2] if call else ())
    )


@write_arithmetic.register
def _(layer: ImagePooling, call: Call | None) -> str:
    sides = call.input[:2] if call else ()
    written = _both_sides(f"{side} / {layer.size} ↓ {side // layer.size}" for side in sides)
    return f"{layer.name}, {written}"


@write_arithmetic.register
def _(layer: Pooling, call: Call | None) -> str:
    return f"{'+'.join(layer.names)} of {call.input[0]} to 1" if call else ""


def _one_side(size: int, kernel: int, stride: int, zeros: int | None = None) -> str:
    """Write the number of places of a window along one side, with `zeros` around or None."""
    inside = size if zeros is None else f"{size} + {zeros} zeros"
    rest = size + (zeros or 0) - kernel
    sign = "↓" if rest % stride else "="
    return f"({inside} - {kernel}) / {stride} + 1 {sign} {rest // stride + 1}"


def _both_sides(written: Iterable[str]) -> str:
    return " by ".join(dict.fromkeys(written))


def uncalled_shape(layer: nn.Module) -> Shape:
    """Return the output shape of a layer whose `forward` was not called."""
    return (layer.dim,) if isinstance(layer, TokenEmbedding) else ()
