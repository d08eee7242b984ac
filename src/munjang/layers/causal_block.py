"""Transformer layer of a language model: no token attends to a later one."""

import torch
from torch import Tensor, nn

from munjang.layers.activations import Activation
from munjang.layers.attention import KeysValues, SelfAttention
from munjang.layers.blocks import TransformerLayer
from munjang.layers.fast.causal_row_weights import Affine, RowWeights, after_norm, without_mean
from munjang.layers.fast.causal_weights import LayerWeights, Norm, by_heads, scaled_activation
from munjang.layers.fast.derived import DerivedWeights
from munjang.layers.fast.linear import Linear
from munjang.layers.position import Rotary


class CausalBlock(TransformerLayer):
    """Causal self-attention, then feed-forward, each with the norm before it ("pre-norm").

    The parameters are those of `munjang.layers.blocks.Block`.

    Args:
        dim: width of a state.
        heads: number of attention heads.
        hidden_dim: hidden width of the feed-forward sublayer.
        activation: name of its activation.
        dropout: dropout rate of each sublayer's output.
    """

    def __init__(
        self, dim: int, heads: int, *, hidden_dim: int, activation: Activation, dropout: float
    ) -> None:
        super().__init__(dropout=dropout, norm="pre")
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads)
        self._add_feed_forward(dim, hidden_dim, activation)
        self._step_weights: DerivedWeights[LayerWeights] = DerivedWeights()
        self._row_weights: DerivedWeights[RowWeights] = DerivedWeights()

    def forward(self, states: Tensor, rotary: Rotary | None) -> Tensor:
        """Return the new states [batch, time, dim] of `states` [batch, time, dim]."""
        return self.read(states, rotary)[0]

    def read(self, states: Tensor, rotary: Rotary | None) -> tuple[Tensor, KeysValues]:
        """Compute `forward`, and the keys and values of all tokens."""
        kept: list[KeysValues] = []

        def attention(x: Tensor) -> Tensor:
            outputs, keys_values = self.attention.read(x, rotary)
            kept.append(keys_values)
            return outputs

        return self.feed_forward(self.residual(states, self.attention_norm, attention)), kept[0]

    def keys_values(self, states: Tensor, rotary: Rotary | None) -> KeysValues:
        """Compute the keys and values of `read` alone."""
        return self.attention.keys_values(self.attention_norm(states), rotary)

    def step(
        self,
        states: Tensor,
        past: KeysValues | None,
        rotary: Rotary | None,
        visible: Tensor | None,
    ) -> tuple[Tensor, KeysValues]:
        """Read one more token of each row.

        Args:
            states: [rows, 1, dim].
            past: keys and values of earlier tokens, see `SelfAttention.step`.
            rotary: tables of the new position.
            visible: positions that may be attended to, see `SelfAttention.step`.

        Returns:
            [rows, 1, dim], and keys and values with the new token.
        """
        kept: list[KeysValues] = []

        def attention(x: Tensor) -> Tensor:
            outputs, keys_values = self.attention.step(x, past, rotary, visible)
            kept.append(keys_values)
            return outputs

        return self.feed_forward(self.residual(states, self.attention_norm, attention)), kept[0]

    def step_weights(self) -> LayerWeights | None:
        """Return the weights as `munjang.layers.fast.causal_step` reads them.

        None if a part was replaced, or is not dense float32 on the CPU.
        """
        if not self._is_plain():
            return None
        return self._step_weights.get(tuple(self.parameters()), lambda *_: self._lay_out())

    def row_weights(self) -> RowWeights | None:
        """Return the weights as `munjang.layers.fast.causal_row` reads them, or None likewise."""
        if not self._is_plain():
            return None
        return self._row_weights.get(tuple(self.parameters()), lambda *_: self._lay_out_row())

    def _is_plain(self) -> bool:
        linears = (self.attention.in_proj, self.attention.out_proj, self.up, self.down)
        if any(type(linear) is not Linear for linear in linears):
            return False
        return all(_is_plain(source) for source in self.parameters())

    def _lay_out(self) -> LayerWeights:
        activation, scale = scaled_activation(self.activation)
        return LayerWeights(
            attention_norm=_norm(self.attention_norm),
            project=by_heads(self.attention.in_proj.weight, self.attention.heads),
            join=self.attention.out_proj.weight.t().contiguous(),
            feed_forward_norm=_norm(self.feed_forward_norm),
            up=scale * self.up.weight.t().contiguous(),
            up_bias=scale * self.up.bias,
            activation=activation,
            down=scale * self.down.weight.t().contiguous(),
            down_bias=self.down.bias.detach(),
        )

    def _lay_out_row(self) -> RowWeights:
        activation, scale = scaled_activation(self.activation)
        project = by_heads(self.attention.in_proj.weight.double(), self.attention.heads)
        join = self.attention.out_proj.weight.double().t()
        up, up_bias = self.up.weight.double().t(), self.up.bias.double()
        down, down_bias = self.down.weight.double().t(), self.down.bias.double()
        return RowWeights(
            attention_eps=self.attention_norm.eps,
            project=after_norm(self.attention_norm, project, 0.0),
            join=without_mean(join).float().contiguous(),
            feed_forward_eps=self.feed_forward_norm.eps,
            up=after_norm(self.feed_forward_norm, scale * up, scale * up_bias),
            activation=activation,
            down=Affine.of(scale * without_mean(down), without_mean(down_bias)),
        )


def _is_plain(weight: Tensor) -> bool:
    return weight.dtype == torch.float32 and weight.device.type == "cpu"


def _norm(norm: nn.LayerNorm) -> Norm:
    return Norm(norm.weight.detach(), norm.bias.detach(), norm.eps)
