"""Attention: every token looks at every other, and takes from each what it finds of use.

Vaswani et al. (2017), "Attention is all you need":

    Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V

The path that trains is PyTorch's fused function, or on a CPU and for sentences plain products,
which are quicker there. The formula stands beside them written out, gives the weights to look at,
and is tested to be the same in values and gradients.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.fast.attention_row import LONGEST_ROW, attend_row
from munjang.layers.masking import is_whole, masked_softmax
from munjang.layers.position import Turns, turn

KeysValues = tuple[Tensor, Tensor]

# On a CPU the fused function takes 12 ms where products take 7 (290 rows of 14 tokens, 4 heads of
# 32, with gradients), and more in bfloat16; of 256 tokens it is the quicker one.
_SHORT = 64


def visible_keys(mask: Tensor) -> Tensor | None:
    """`mask` [batch, time] to the keys that may be looked at, [batch, 1, 1, time]; None: all.

    A row without any token looks at its first place: a softmax over nothing would be NaN. What it
    sees there is masked when states are pooled.
    """
    if is_whole(mask):
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
    """softmax(Q Kᵀ / √d_k) V by PyTorch's fused function, or by products of small matrices.

    Args:
        queries: Q, [batch, heads, queries, d_k].
        keys: K, [batch, heads, time, d_k].
        values: V, [batch, heads, time, d_v].
        visible: True = key that may be looked at, broadcast to [batch, heads, queries, time]; None
            = every key. Each query needs one at least.
        causal: query i sees the keys up to its own place alone; not beside `visible`.

    Returns:
        [batch, heads, queries, d_v].
    """
    time = keys.shape[2]
    if time > _SHORT or queries.device.type != "cpu":
        return F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=visible, is_causal=causal
        )
    if causal:
        visible = torch.ones(queries.shape[2], time, dtype=torch.bool).tril()
    scores = queries * queries.shape[-1] ** -0.5 @ keys.transpose(-2, -1)
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    taken: Tensor = scores.softmax(dim=-1) @ values
    return taken


def attend_written_out(
    queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None
) -> tuple[Tensor, Tensor]:
    """As `attend`, in the paper's symbols, with the weights [batch, heads, queries, time] too."""
    q, k, v = queries, keys, values
    d_k = q.shape[-1]
    scores = q @ k.transpose(-2, -1) / math.sqrt(d_k)
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


class SelfAttention(nn.Module):
    """Several heads side by side, each looking at the same states in its own way.

        head_i = Attention(X W_iQ, X W_iK, X W_iV),   MultiHead = Concat(head_1, ..., head_h) W_O

    As in the paper the projections have no bias. Those of queries, keys and values of all heads
    are one matrix: one large product is faster than three.

    Args:
        dim: width of a state, a multiple of `heads`.
        heads: how many.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads share dim evenly: {dim} is no multiple of {heads}")
        self.heads = heads
        self.project = nn.Linear(dim, 3 * dim, bias=False)
        self.join = nn.Linear(dim, dim, bias=False)
        for number in range(3):  # each as the matrix of its own that it is
            nn.init.xavier_uniform_(self.project.weight[number * dim : (number + 1) * dim])

    def forward(
        self,
        states: Tensor,
        visible: Tensor | None,
        turns: Turns | None = None,
        *,
        causal: bool = False,
    ) -> Tensor:
        """What each token takes from the others.

        Args:
            states: X, [batch, time, dim].
            visible: keys that may be looked at, of `visible_keys`.
            turns: with rotary positions, those of `munjang.layers.position.turns`.
            causal: no token sees a later one; not beside `visible`.

        Returns:
            [batch, time, dim].
        """
        if visible is None and not causal and self._is_for_answers(states, turns):
            wide = None if turns is None else turns.wide
            weights = self.project.weight, self.join.weight
            return attend_row(states[0], *weights, self.heads, wide)[None]
        return self._joined(attend(*self._heads(states, turns), visible, causal=causal))

    def _is_for_answers(self, states: Tensor, turns: Turns | None) -> bool:
        """Return whether `attend_row` computes the same."""
        is_row = len(states) == 1 and states.shape[1] <= LONGEST_ROW
        if not is_row or self.training or torch.is_grad_enabled():
            return False
        if states.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return False
        return turns is None or turns.wide is not None

    def step(
        self, states: Tensor, past: KeysValues | None, turns: Turns | None
    ) -> tuple[Tensor, KeysValues]:
        """What one more token takes from those before it and from itself.

        Args:
            states: its own, [rows, 1, dim].
            past: keys and values of those before, each [rows, heads, places, dim / heads].
            turns: of its place.

        Returns:
            [rows, 1, dim], and the past with this token.
        """
        query, key, value = self._heads(states, turns)
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        return self._joined(attend(query, key, value, None)), (key, value)

    def written_out(
        self, states: Tensor, visible: Tensor | None, turns: Turns | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, with the weights [batch, heads, time, time] that every head gave."""
        taken, weights = attend_written_out(*self._heads(states, turns), visible)
        return self._joined(taken), weights

    def _heads(self, states: Tensor, turns: Turns | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each [batch, heads, time, dim / heads]."""
        batch, time, _ = states.shape
        parts = self.project(states).view(batch, time, 3, self.heads, -1)
        parts = parts.permute(2, 0, 3, 1, 4)
        if turns is not None:
            queries, keys = turn(parts[:2], turns)  # both in one go
            return queries, keys, parts[2]
        queries, keys, values = parts
        return queries, keys, values

    def _joined(self, heads: Tensor) -> Tensor:
        return self.join(heads.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class CrossAttention(nn.Module):
    """As `SelfAttention`, but what is looked at is another text: queries of one, keys of the other.

    Args:
        dim: width of a state, a multiple of `heads`.
        heads: how many.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads share dim evenly: {dim} is no multiple of {heads}")
        self.heads = heads
        self.query = nn.Linear(dim, dim, bias=False)
        self.project = nn.Linear(dim, 2 * dim, bias=False)
        self.join = nn.Linear(dim, dim, bias=False)
        nn.init.xavier_uniform_(self.query.weight)
        for number in range(2):
            nn.init.xavier_uniform_(self.project.weight[number * dim : (number + 1) * dim])

    def remembered(self, source: Tensor) -> KeysValues:
        """Keys and values of `source` [batch, source time, dim], for any number of queries."""
        batch, time, _ = source.shape
        parts = self.project(source).view(batch, time, 2, self.heads, -1)
        keys, values = parts.permute(2, 0, 3, 1, 4)
        return keys, values

    def forward(self, states: Tensor, memory: KeysValues, visible: Tensor | None) -> Tensor:
        """What each query takes from the source.

        Args:
            states: of the queries, [batch, queries, dim].
            memory: of `remembered`.
            visible: source tokens that may be looked at, of `visible_keys`.

        Returns:
            [batch, queries, dim].
        """
        return self._joined(attend(self._queries(states), *memory, visible))

    def written_out(
        self, states: Tensor, memory: KeysValues, visible: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, with the weights [batch, heads, queries, source time] of every head."""
        taken, weights = attend_written_out(self._queries(states), *memory, visible)
        return self._joined(taken), weights

    def _queries(self, states: Tensor) -> Tensor:
        batch, queries, _ = states.shape
        return self.query(states).view(batch, queries, self.heads, -1).transpose(1, 2)  # type: ignore[no-any-return]

    def _joined(self, heads: Tensor) -> Tensor:
        return self.join(heads.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class AttentionPooling(nn.Module):
    """Additive self-attention: states [batch, time, dim] to one weighted mean a row, [batch, dim].

    Yang et al. (2016), "Hierarchical attention networks for document classification": a place is
    asked by a learned query `v` how much it counts,

        score = v · tanh(W h + b)          a = softmax of the scores over the real places

    and the row's vector is the sum of a h. No place asks another, so this costs one matrix
    product beside the layer below.

    Args:
        dim: width of a state, and of the query.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.keys = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, 1, bias=False)

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`states` [batch, time, dim] and `mask` [batch, time] to the mean and its weights.

        Returns:
            The weighted mean [batch, dim], and the weights [batch, time]: a row of them sums to
            1, with 0 at padding; a row without any real token gives zeros in both.
        """
        scores = self.query(self.keys(states).tanh())[..., 0]
        weights = masked_softmax(scores, mask)
        return (weights[:, None] @ states)[:, 0], weights
