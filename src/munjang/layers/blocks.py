"""Transformer layers: attention and feed-forward sublayers with residual connections.

Vaswani et al. (2017), "Attention is all you need", normalize after each sublayer ("post-norm");
Xiong et al. (2020), "On layer normalization in the Transformer architecture", before it
("pre-norm"), so that the residual path stays free and training needs little warm-up:

    post: x = Norm(x + Sublayer(x))        pre: x = x + Sublayer(Norm(x))
"""

from collections.abc import Callable
from typing import Literal, cast

import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.activations import Activation, get_activation
from munjang.layers.attention import CrossAttention, KeysValues, SelfAttention
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.linear import Linear
from munjang.layers.position import Rotary

Norm = Literal["pre", "post"]
Sublayer = Callable[[Tensor], Tensor]


class TransformerLayer(nn.Module):
    """Residual connections and the feed-forward sublayer of encoder and decoder layers.

        FeedForward(x) = W_2 f(W_1 x + b_1) + b_2

    Args:
        dropout: dropout rate of each sublayer's output.
        norm: position of the norms.
        norm_eps: number added to the variance of the norms.
    """

    def __init__(self, *, dropout: float, norm: Norm, norm_eps: float = 1e-5) -> None:
        super().__init__()
        self.norm_first = norm == "pre"
        self.norm_eps = norm_eps
        self.dropout = Dropout(dropout)

    def _add_feed_forward(self, dim: int, hidden_dim: int, activation: Activation) -> None:
        """Create the feed-forward sublayer: last, since weights are drawn in order of creation."""
        self.feed_forward_norm = nn.LayerNorm(dim, eps=self.norm_eps)
        self.up = Linear(dim, hidden_dim)
        self.activation = get_activation(activation)
        self.down = Linear(hidden_dim, dim)

    def residual(self, states: Tensor, norm: nn.LayerNorm, sublayer: Sublayer) -> Tensor:
        """Add the output of `sublayer` to `states`, with the norm before or after."""
        if self.norm_first:
            return states + cast(Tensor, self.dropout(sublayer(norm(states))))
        return cast(Tensor, norm(states + self.dropout(sublayer(states))))

    def feed_forward(self, states: Tensor) -> Tensor:
        """Apply the feed-forward sublayer with its residual connection."""
        return self.residual(states, self.feed_forward_norm, self._feed_forward)

    def _feed_forward(self, states: Tensor) -> Tensor:
        return cast(Tensor, self.down(self.activation(self.up(states))))


def _normalize(norm: nn.LayerNorm, states: Tensor) -> Tensor:
    return F.layer_norm(states, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


class Block(TransformerLayer):
    """Encoder layer: self-attention, then feed-forward.

    Args:
        dim: width of a state.
        heads: number of attention heads.
        hidden_dim: hidden width of the feed-forward sublayer.
        activation: name of its activation.
        dropout: dropout rate of each sublayer's output.
        norm: position of the norms.
        norm_eps: number added to the variance of the norms.
        attention_bias: whether the projections of the attention have a bias.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        hidden_dim: int,
        activation: Activation,
        dropout: float,
        norm: Norm = "pre",
        norm_eps: float = 1e-5,
        attention_bias: bool = False,
    ) -> None:
        super().__init__(dropout=dropout, norm=norm, norm_eps=norm_eps)
        self.attention_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.attention = SelfAttention(dim, heads, bias=attention_bias)
        self._add_feed_forward(dim, hidden_dim, activation)

    def forward(self, states: Tensor, visible: Tensor | None, rotary: Rotary | None) -> Tensor:
        """Return the new states [batch, time, dim] of `states` [batch, time, dim]."""
        if visible is None and self.attention.can_attend_row(states, rotary):
            return self._forward_row(states[0], rotary)[None]
        return self.feed_forward(
            self.residual(states, self.attention_norm, lambda x: self.attention(x, visible, rotary))
        )

    def forward_with_attention(
        self, states: Tensor, visible: Tensor | None, rotary: Rotary | None
    ) -> tuple[Tensor, Tensor]:
        """Compute `forward`, and the attention weights [batch, heads, time, time]."""
        kept: list[Tensor] = []

        def attention(x: Tensor) -> Tensor:
            outputs, weights = self.attention.forward_with_attention(x, visible, rotary)
            kept.append(weights)
            return outputs

        return self.feed_forward(self.residual(states, self.attention_norm, attention)), kept[0]

    def _forward_row(self, row: Tensor, rotary: Rotary | None) -> Tensor:
        """Compute `forward` for one row [time, dim], whose modules take longer to call than to run.

        Forward hooks of the sublayers are not called.
        """
        attend, feed_forward = self.attention.forward_row, self._feed_forward_row
        if not self.norm_first:
            row = _normalize(self.attention_norm, row + attend(row, rotary))
            return _normalize(self.feed_forward_norm, row + feed_forward(row))
        row = row + attend(_normalize(self.attention_norm, row), rotary)
        return row + feed_forward(_normalize(self.feed_forward_norm, row))

    def _feed_forward_row(self, row: Tensor) -> Tensor:
        return self.down.forward_row(self.activation(self.up.forward_row(row)))


class DecoderBlock(TransformerLayer):
    """Decoder layer: causal self-attention, cross-attention to the source, then feed-forward.

    Args:
        dim: width of a state.
        heads: number of heads of each attention.
        hidden_dim: hidden width of the feed-forward sublayer.
        activation: name of its activation.
        dropout: dropout rate of each sublayer's output.
        norm: position of the norms.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        hidden_dim: int,
        activation: Activation,
        dropout: float,
        norm: Norm = "pre",
    ) -> None:
        super().__init__(dropout=dropout, norm=norm)
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads)
        self.cross_norm = nn.LayerNorm(dim)
        self.cross = CrossAttention(dim, heads)
        self._add_feed_forward(dim, hidden_dim, activation)

    def forward(
        self,
        states: Tensor,
        source_keys_values: KeysValues,
        visible: Tensor | None,
        rotary: Rotary | None,
    ) -> Tensor:
        """Compute all target places at once; each attends to the source and to no later place.

        Args:
            states: [batch, time, dim].
            source_keys_values: keys and values of `cross.project_keys_values`.
            visible: source tokens that may be attended to, of `visible_keys`.
            rotary: tables of rotary positions, or None.

        Returns:
            [batch, time, dim].
        """
        states = self.residual(
            states, self.attention_norm, lambda x: self.attention(x, None, rotary, causal=True)
        )
        return self.feed_forward(
            self.residual(
                states, self.cross_norm, lambda x: self.cross(x, source_keys_values, visible)
            )
        )

    def forward_with_attention(
        self,
        states: Tensor,
        source_keys_values: KeysValues,
        visible: Tensor | None,
        rotary: Rotary | None,
        causal_mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute `forward`, and the attention weights on target and source.

        `causal_mask` [time, time] is True where a place may attend to another. The weights are
        [batch, heads, time, time] and [batch, heads, time, source time].
        """
        kept: list[Tensor] = []

        def attention(x: Tensor) -> Tensor:
            outputs, weights = self.attention.forward_with_attention(x, causal_mask, rotary)
            kept.append(weights)
            return outputs

        def cross(x: Tensor) -> Tensor:
            outputs, weights = self.cross.forward_with_attention(x, source_keys_values, visible)
            kept.append(weights)
            return outputs

        states = self.residual(states, self.attention_norm, attention)
        states = self.feed_forward(self.residual(states, self.cross_norm, cross))
        return states, kept[0], kept[1]

    def step(
        self,
        states: Tensor,
        past: KeysValues | None,
        source_keys_values: KeysValues,
        visible: Tensor | None,
        rotary: Rotary | None,
        past_visible: Tensor | None = None,
    ) -> tuple[Tensor, KeysValues, Tensor]:
        """Compute one target place of every hypothesis.

        Args:
            states: [sentences, beam, dim].
            past: keys and values of the earlier places, each [sentences x beam, heads, places,
                dim / heads]; None at the first place.
            source_keys_values: one per sentence; its hypotheses are queries on it.
            visible: source tokens that may be attended to.
            rotary: tables of this place only.
            past_visible: True = target place that may be attended to, this one last, [sentences x
                beam, 1, 1, places + 1]; None = all.

        Returns:
            [sentences, beam, dim], the past with this place, and the weights on the source
            [sentences, heads, beam, source time].
        """
        kept: list[Tensor] = []
        extended: list[KeysValues] = []
        shape = states.shape

        def attention(x: Tensor) -> Tensor:
            outputs, keys_values = self.attention.step(
                x.view(-1, 1, shape[-1]), past, rotary, past_visible
            )
            extended.append(keys_values)
            return outputs.view(shape)

        def cross(x: Tensor) -> Tensor:
            outputs, weights = self.cross.forward_with_attention(x, source_keys_values, visible)
            kept.append(weights)
            return outputs

        states = self.residual(states, self.attention_norm, attention)
        states = self.feed_forward(self.residual(states, self.cross_norm, cross))
        return states, extended[0], kept[0]
