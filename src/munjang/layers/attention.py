"""Attention: every token looks at every other, and takes from each what it finds of use.

Vaswani et al. (2017), "Attention is all you need":

    Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V

The path that trains is PyTorch's fused function. The formula stands beside it written out, gives
the weights to look at, and is tested to be the same in values and gradients.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.masking import masked_softmax
from munjang.layers.position import Turns, turn


def visible_keys(mask: Tensor) -> Tensor | None:
    """`mask` [batch, time] to the keys that may be looked at, [batch, 1, 1, time]; None: all.

    A row without any token looks at its first place: a softmax over nothing would be NaN. What it
    sees there is masked when states are pooled.
    """
    if mask.all():
        return None
    keys = mask.clone()
    keys[:, 0] = True
    return keys[:, None, None, :]


def attend(queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None) -> Tensor:
    """softmax(Q Kᵀ / √d_k) V by PyTorch's fused function.

    Args:
        queries: Q, [batch, heads, time, d_k].
        keys: K, as `queries`.
        values: V, [batch, heads, time, d_v].
        visible: True = key that may be looked at, broadcast to [batch, heads, time, time]; None =
            every key. Each query needs one at least.

    Returns:
        [batch, heads, time, d_v].
    """
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible)


def attend_written_out(
    queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None
) -> tuple[Tensor, Tensor]:
    """As `attend`, in the paper's symbols, with the weights [batch, heads, time, time] as well."""
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

    def forward(self, states: Tensor, visible: Tensor | None, turns: Turns | None = None) -> Tensor:
        """What each token takes from the others.

        Args:
            states: X, [batch, time, dim].
            visible: keys that may be looked at, of `visible_keys`.
            turns: with rotary positions, those of `munjang.layers.position.turns`.

        Returns:
            [batch, time, dim].
        """
        return self._joined(attend(*self._heads(states, turns), visible))

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
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        if turns is not None:
            queries, keys = turn(queries, turns), turn(keys, turns)
        return queries, keys, values

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
