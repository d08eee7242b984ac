"""Weights of the layers of a causal Transformer, laid out once for `causal_step`.

Features i and i + width / 2 of a head, which rotary positions rotate together, stand side by side
in queries and keys: the rotation is a product of complex numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Activate = Callable[[Tensor], Tensor]


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
        project: to the query, key and value of the first head, then of the next one, [dim, 3 dim];
            queries are divided by the square root of a head's width.
        join: of the heads, [dim, dim].
        feed_forward_norm: before the feed-forward sublayer.
        up: [dim, hidden]; see `scaled_activation`.
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
    activation: Activate
    down: Tensor
    down_bias: Tensor


def by_heads(weight: Tensor, heads: int) -> Tensor:
    """Lay out a projection to all queries, all keys and all values, [3 dim, dim], head by head.

    Returns:
        [dim, 3 dim]: query, key and value of the first head, then of the next one.
    """
    queries, keys, values = weight.view(3, heads, -1, weight.shape[1]).unbind(0)
    queries = queries * queries.shape[1] ** -0.5
    parts = pair_features(queries, 1), pair_features(keys, 1), values
    return torch.stack(parts, dim=1).flatten(0, 2).t().contiguous()


def pair_features(x: Tensor, dim: int) -> Tensor:
    """Reorder the features of heads in a dimension: i and i + width / 2 side by side."""
    return x.unflatten(dim, (2, -1)).transpose(dim, dim + 1).flatten(dim, dim + 1)  # type: ignore[no-untyped-call, no-any-return]


def unpair_features(x: Tensor, dim: int) -> Tensor:
    """Undo `pair_features`."""
    return x.unflatten(dim, (-1, 2)).transpose(dim, dim + 1).flatten(dim, dim + 1)  # type: ignore[no-untyped-call, no-any-return]


def scaled_activation(activation: Activate) -> tuple[Activate, float]:
    """Return a function f and a factor c for which activation(x) = c f(c x).

    For a Gaussian error linear unit, x / 2 (1 + erf(x / √2)), f(u) = u (1 + erf(u)): PyTorch calls
    oneDNN for it, and that takes 8.5 instead of 3 microseconds (512 numbers).
    """
    return _SCALED.get(activation, (activation, 1.0))


def gelu_of_scaled(u: Tensor) -> Tensor:
    """Return u (1 + erf(u)): see `scaled_activation`."""
    return torch.addcmul(u, u, u.erf())


_SCALED: dict[Activate, tuple[Activate, float]] = {F.gelu: (gelu_of_scaled, 2**-0.5)}
