"""Weights of the layers of a causal Transformer, laid out once for `causal_row`.

Scale g and bias b of a layer norm are part of the matrix W that reads it, as
(n(x) g + b) W = n(x) (g W) + b W, where n(x) has mean 0 and variance 1. No norm depends on the mean
of a state, so that the matrices that add to states add a mean of 0: states that begin with one keep
it, and n(x) is x by its length.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from munjang.layers.fast.causal_weights import Activate, gelu_of_scaled


class Affine(NamedTuple):
    """A product with a matrix and an added bias, y = x A + b.

    Attributes:
        stacked: b below A, [inputs + 1, outputs]: the product with x that has a 1 behind it.
        matrix: A, a view of it.
        bias: b, a view of it.
    """

    stacked: Tensor
    matrix: Tensor
    bias: Tensor

    @classmethod
    def of(cls, matrix: Tensor, bias: Tensor) -> "Affine":
        """Return the product of A [inputs, outputs] and b [outputs], of any types, in float32."""
        stacked = torch.cat([matrix, bias[None]]).float()
        return cls(stacked, stacked[:-1], stacked[-1])


@dataclass(frozen=True)
class RowWeights:
    """Weights of one layer; matrices are [inputs, outputs].

    Attributes:
        attention_eps: number added to the variance by the norm before the attention.
        project: to the query, key and value of the first head, then of the next one, 3 dim
            outputs; laid out by `by_heads`.
        join: of the heads, [dim, dim].
        feed_forward_eps: number added to the variance by the norm before the feed-forward sublayer.
        up: hidden outputs; see `scaled_activation`.
        activation: of the hidden units.
        down: dim outputs.
    """

    attention_eps: float
    project: Affine
    join: Tensor
    feed_forward_eps: float
    up: Affine
    activation: Activate
    down: Affine

    def activate(self, units: Tensor, out: Tensor) -> None:
        """Write the activation of hidden units into `out`."""
        if self.activation is gelu_of_scaled:
            torch.addcmul(units, units, units.erf(), out=out)
        else:
            out.copy_(self.activation(units))


def after_norm(norm: nn.LayerNorm, matrix: Tensor, bias: Tensor | float) -> Affine:
    """Return the product of norm(x) with a matrix and its bias as one of n(x).

    Args:
        norm: a layer norm.
        matrix: [dim, outputs] float64.
        bias: [outputs] float64, or 0.
    """
    return Affine.of(norm.weight.double()[:, None] * matrix, norm.bias.double() @ matrix + bias)


def without_mean(outputs: Tensor) -> Tensor:
    """Return outputs [..., dim] less their mean."""
    return outputs - outputs.mean(-1, keepdim=True)
