"""Scaled dot-product attention with several heads, and attention as pooling.

Vaswani et al. (2017), "Attention is all you need":

    Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V

Training uses PyTorch's fused function, or on a CPU and for sentences plain products, which are
faster there. `attend_with_weights` is the formula itself; it returns the weights, and the tests
hold both to the same values and gradients.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.fast.attention_row import LONGEST_ROW, attend_row
from munjang.layers.fast.linear import Linear
from munjang.layers.masking import has_no_padding, masked_softmax
from munjang.layers.position import Rotary, apply_rotary

KeysValues = tuple[Tensor, Tensor]

# On a CPU the fused function takes 12 ms where products take 7 (290 rows of 14 tokens, 4 heads of
# 32, with gradients); at 256 tokens it is the faster one.
_SHORT = 64
# In bfloat16 it takes 45 ms where products take 10 (32 rows of 128 tokens, 4 heads of 64), and 50
# where they take 33 at 512 tokens.
_SHORT_IN_HALF = 512


def visible_keys(mask: Tensor) -> Tensor | None:
    """Return the keys that may be attended to, [batch, 1, 1, time], of `mask` [batch, time].

    None if all may. A row without any token attends to its first place, since a softmax over no
    key is NaN; its states are masked when they are pooled.
    """
    if has_no_padding(mask):
        return None
    keys = mask.clone()
    keys[:, 0] = True
    return keys[:, None, None, :]


def attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    visible: Tensor | None,
    *,
    causal: bool = False,
) -> Tensor:
    """Compute softmax(Q Kᵀ / √d_k) V by PyTorch's fused function or by batched products.

    Args:
        queries: Q, [batch, heads, queries, d_k].
        keys: K, [batch, heads, time, d_k].
        values: V, [batch, heads, time, d_v].
        visible: True = key that may be attended to, broadcast to [batch, heads, queries, time];
            None = every key. Each query needs at least one.
        causal: query i attends to keys 0 .. i only; not together with `visible`.

    Returns:
        [batch, heads, queries, d_v].
    """
    time = keys.shape[2]
    longest = _SHORT if queries.dtype == torch.float32 else _SHORT_IN_HALF
    if time > longest or queries.device.type != "cpu":
        return F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=visible, is_causal=causal
        )
    if causal:
        visible = torch.ones(queries.shape[2], time, dtype=torch.bool).tril()
    scores = queries * queries.shape[-1] ** -0.5 @ keys.transpose(-2, -1)
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    outputs: Tensor = scores.softmax(dim=-1) @ values
    return outputs


def attend_with_weights(
    queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Compute `attend` by the formula, and the weights [batch, heads, queries, time]."""
    q, k, v = queries, keys, values
    d_k = q.shape[-1]
    scores = q @ k.transpose(-2, -1) / math.sqrt(d_k)
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


class SelfAttention(nn.Module):
    """Multi-head self-attention.

        head_i = Attention(X W_iQ, X W_iK, X W_iV),   MultiHead = Concat(head_1, ..., head_h) W_O

    As in the paper the projections have no bias; those of BERT have one. The projections to
    queries, keys and values of all heads are one matrix, since one large product is faster than
    three.

    Args:
        dim: width of a state, a multiple of `heads`.
        heads: number of heads.
        bias: whether the projections have a bias.
    """

    def __init__(self, dim: int, heads: int, *, bias: bool = False) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim ({dim}) is no multiple of heads ({heads})")
        self.heads = heads
        self.in_proj = Linear(dim, 3 * dim, bias=bias)
        self.out_proj = Linear(dim, dim, bias=bias)
        for number in range(3):  # each part as a matrix of its own
            nn.init.xavier_uniform_(self.in_proj.weight[number * dim : (number + 1) * dim])

    def forward(
        self,
        states: Tensor,
        visible: Tensor | None,
        rotary: Rotary | None = None,
        *,
        causal: bool = False,
    ) -> Tensor:
        """Attend from every token to all tokens of its row.

        Args:
            states: X, [batch, time, dim].
            visible: keys that may be attended to, of `visible_keys`.
            rotary: tables of `munjang.layers.position.rotary_tables`, or None.
            causal: no token attends to a later one; not together with `visible`.

        Returns:
            [batch, time, dim].
        """
        if visible is None and not causal and self.can_attend_row(states, rotary):
            return self.forward_row(states[0], rotary)[None]
        return self._combine_heads(attend(*self._heads(states, rotary), visible, causal=causal))

    def can_attend_row(self, states: Tensor, rotary: Rotary | None) -> bool:
        """Return whether `attend_row` may compute `forward`: one row, without gradients."""
        is_row = len(states) == 1 and states.shape[1] <= LONGEST_ROW
        if not is_row or self.training or torch.is_grad_enabled():
            return False
        if states.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return False
        return rotary is None or rotary.full is not None

    def forward_row(self, row: Tensor, rotary: Rotary | None) -> Tensor:
        """Compute `forward` for `row` [time, dim] without padding, if `can_attend_row`."""
        full = None if rotary is None else rotary.full
        project, join = self.in_proj.forward_row, self.out_proj.forward_row
        return attend_row(row, project, join, self.heads, full)

    def read(self, states: Tensor, rotary: Rotary | None) -> tuple[Tensor, KeysValues]:
        """Compute `forward` with causal attention, and the keys and values of all tokens.

        Keys and values are [batch, heads, time, dim / heads] each.
        """
        queries, keys, values = self._heads(states, rotary)
        outputs = attend(queries, keys, values, None, causal=True)
        return self._combine_heads(outputs), (keys, values)

    def keys_values(self, states: Tensor, rotary: Rotary | None) -> KeysValues:
        """Return the keys and values of `read` alone."""
        _, keys, values = self._heads(states, rotary)
        return keys, values

    def step(
        self,
        states: Tensor,
        past: KeysValues | None,
        rotary: Rotary | None,
        visible: Tensor | None = None,
    ) -> tuple[Tensor, KeysValues]:
        """Attend from one more token per row to those before it and to itself.

        Args:
            states: states of the new tokens, [rows, 1, dim].
            past: keys and values of earlier tokens, each [rows, heads, places, dim / heads].
            rotary: tables of the new place.
            visible: True = place that may be attended to, the new token last, [rows, 1, 1, places
                + 1]; None = all.

        Returns:
            [rows, 1, dim], and keys and values with the new token.
        """
        query, key, value = self._heads(states, rotary)
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        return self._combine_heads(attend(query, key, value, visible)), (key, value)

    def forward_with_attention(
        self, states: Tensor, visible: Tensor | None, rotary: Rotary | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute `forward`, and the attention weights [batch, heads, time, time]."""
        outputs, weights = attend_with_weights(*self._heads(states, rotary), visible)
        return self._combine_heads(outputs), weights

    def _heads(self, states: Tensor, rotary: Rotary | None) -> tuple[Tensor, Tensor, Tensor]:
        """Project to queries, keys and values, each [batch, heads, time, dim / heads]."""
        batch, time, _ = states.shape
        parts = self.in_proj(states).view(batch, time, 3, self.heads, -1)
        parts = parts.permute(2, 0, 3, 1, 4)
        if rotary is not None:
            queries, keys = apply_rotary(parts[:2], rotary)  # both at once
            return queries, keys, parts[2]
        queries, keys, values = parts
        return queries, keys, values

    def _combine_heads(self, heads: Tensor) -> Tensor:
        return self.out_proj(heads.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class CrossAttention(nn.Module):
    """Multi-head attention from one text to another: queries of one, keys and values of the other.

    Args:
        dim: width of a state, a multiple of `heads`.
        heads: number of heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim ({dim}) is no multiple of heads ({heads})")
        self.heads = heads
        self.query = Linear(dim, dim, bias=False)
        self.in_proj = Linear(dim, 2 * dim, bias=False)
        self.out_proj = Linear(dim, dim, bias=False)
        nn.init.xavier_uniform_(self.query.weight)
        for number in range(2):
            nn.init.xavier_uniform_(self.in_proj.weight[number * dim : (number + 1) * dim])

    def project_keys_values(self, source: Tensor) -> KeysValues:
        """Return keys and values of `source` [batch, source time, dim]."""
        batch, time, _ = source.shape
        parts = self.in_proj(source).view(batch, time, 2, self.heads, -1)
        keys, values = parts.permute(2, 0, 3, 1, 4)
        return keys, values

    def forward(self, states: Tensor, keys_values: KeysValues, visible: Tensor | None) -> Tensor:
        """Attend from every query to the source.

        Args:
            states: states of the queries, [batch, queries, dim].
            keys_values: keys and values of `project_keys_values`.
            visible: source tokens that may be attended to, of `visible_keys`.

        Returns:
            [batch, queries, dim].
        """
        return self._combine_heads(attend(self._queries(states), *keys_values, visible))

    def forward_with_attention(
        self, states: Tensor, keys_values: KeysValues, visible: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Compute `forward`, and the attention weights [batch, heads, queries, source time]."""
        outputs, weights = attend_with_weights(self._queries(states), *keys_values, visible)
        return self._combine_heads(outputs), weights

    def _queries(self, states: Tensor) -> Tensor:
        batch, queries, _ = states.shape
        return self.query(states).view(batch, queries, self.heads, -1).transpose(1, 2)  # type: ignore[no-any-return]

    def _combine_heads(self, heads: Tensor) -> Tensor:
        return self.out_proj(heads.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class AttentionPooling(nn.Module):
    """Additive attention pooling: one weighted mean of the states per row.

    Yang et al. (2016), "Hierarchical attention networks for document classification": a
    learned query `v` scores each place,

        score = v · tanh(W h + b)          a = softmax of the scores over the real places

    and the row's vector is the sum of a h. Places do not attend to each other, so this costs one
    matrix product.

    Args:
        dim: width of a state and of the query.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.keys = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, 1, bias=False)

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pool `states` [batch, time, dim] over the real places of `mask` [batch, time].

        Returns:
            The weighted mean [batch, dim], and the weights [batch, time], which sum to 1 per row
            and are 0 at padding. A row without any real token gives zeros in both.
        """
        scores = self.query(self.keys(states).tanh())[..., 0]
        weights = masked_softmax(scores, mask)
        return (weights[:, None] @ states)[:, 0], weights
