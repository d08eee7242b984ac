"""Transformer layers (Vaswani et al. 2017, "Attention is all you need")."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from munjang.export.hf.modelling.activations import ACTIVATIONS
from munjang.export.hf.modelling.positions import rotate


def visible_keys(mask: Tensor) -> Tensor:
    """Return which keys may be attended to, [batch, 1, 1, time], of `mask` [batch, time].

    An empty row attends to its first place, as a softmax over nothing is NaN.
    """
    visible = mask.clone()
    visible[:, 0] = True
    return visible[:, None, None]


class SelfAttention(nn.Module):
    """Multi-head self-attention; one matrix projects to queries, keys and values."""

    def __init__(self, config: Any, bias: bool = False) -> None:
        super().__init__()
        self.heads, self.has_rotary = config.heads, config.positions == "rotary"
        self.in_proj = nn.Linear(config.dim, 3 * config.dim, bias=bias)
        self.out_proj = nn.Linear(config.dim, config.dim, bias=bias)

    def forward(self, x: Tensor, visible: Tensor | None, causal: bool = False) -> Tensor:
        """Return [batch, time, dim] of `x` [batch, time, dim].

        Args:
            x: states.
            visible: keys that may be attended to; None = all.
            causal: no token attends to a later one.
        """
        batch, time, _ = x.shape
        parts = self.in_proj(x).view(batch, time, 3, self.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # each [batch, heads, time, dim / heads]
        if self.has_rotary:
            q, k = rotate(q), rotate(k)
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, is_causal=causal)
        return self.out_proj(heads.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Self-attention and feed-forward sublayers, each with a residual connection.

    The norm comes before each sublayer ("pre") or after its residual connection ("post").
    """

    def __init__(self, config: Any, norm_eps: float = 1e-5, attention_bias: bool = False) -> None:
        super().__init__()
        self.norm_first = config.norm == "pre"
        self.attention_norm = nn.LayerNorm(config.dim, eps=norm_eps)
        self.attention = SelfAttention(config, attention_bias)
        self.feed_forward_norm = nn.LayerNorm(config.dim, eps=norm_eps)
        self.up = nn.Linear(config.dim, config.feed_forward_dim)
        self.activation = ACTIVATIONS[config.activation]
        self.down = nn.Linear(config.feed_forward_dim, config.dim)

    def forward(self, x: Tensor, visible: Tensor | None, causal: bool = False) -> Tensor:
        """Return the new states [batch, time, dim]; the arguments are those of the attention."""
        x = self.residual(x, self.attention_norm, lambda x: self.attention(x, visible, causal))
        return self.residual(x, self.feed_forward_norm, self.feed_forward)

    def residual(
        self, x: Tensor, norm: Callable[[Tensor], Tensor], sublayer: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Add the output of a sublayer to `x`."""
        return x + sublayer(norm(x)) if self.norm_first else norm(x + sublayer(x))

    def feed_forward(self, x: Tensor) -> Tensor:
        """Return W_2 f(W_1 x + b_1) + b_2."""
        return self.down(self.activation(self.up(x)))
