"""Weights of the layers of a causal Transformer, laid out once for `causal_step`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Norm(NamedTuple):
    """Weights of a layer norm.

    Attributes:
        weight: [dim].
        bias: [dim].
        eps: number added to the variance.
    """

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """Normalize `x` [..., dim]."""
        return torch.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True)
class LayerWeights:
    """Weights of one layer; matrices are [inputs, outputs].

    Attributes:
        attention_norm: before the attention.
        project: to the query, key and value of the first head, then of the next one, [dim, 3 dim].
        join: of the heads, [dim, dim].
        feed_forward_norm: before the feed-forward sublayer.
        up: [dim, hidden].
        up_bias: [hidden].
        activation: of the hidden units.
        down: [hidden, dim].
        down_bias: [dim].
    """

    attention_norm: Norm
    project: Tensor
    join: Tensor
    feed_forward_norm: Norm
    up: Tensor
    up_bias: Tensor
    activation: Callable[[Tensor], Tensor]
    down: Tensor
    down_bias: Tensor


def by_heads(weight: Tensor, heads: int) -> Tensor:
    """Lay out a projection to all queries, all keys and all values, [3 dim, dim], head by head.

    Returns:
        [dim, 3 dim]: query, key and value of the first head, then of the next one.
    """
    parts = weight.view(3, heads, -1, weight.shape[1])
    return parts.transpose(0, 1).reshape(len(weight), -1).t().contiguous()
