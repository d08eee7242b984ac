"""Self-attention over one row without padding, in few operations, without gradients."""

from collections.abc import Callable

import torch
from torch import Tensor

# Of longer rows the fused function of PyTorch, which builds no scores, is as quick.
LONGEST_ROW = 256

# A projection of a row, [time, inputs] to [time, outputs].
Projection = Callable[[Tensor], Tensor]


def attend_row(
    row: Tensor,
    project: Projection,
    join: Projection,
    heads: int,
    rotary: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Return what `munjang.layers.attention.SelfAttention` gives for one row.

    Args:
        row: X, [time, dim].
        project: projection to queries, keys and values, [time, 3 dim].
        join: projection of the joined heads, W_O.
        heads: number of heads.
        rotary: cosines of all numbers of a head and sines with their signs, each [time, dim /
            heads]; None without rotary positions.

    Returns:
        [time, dim].
    """
    time, dim = row.shape
    parts = project(row).view(time, 3, heads, -1).permute(1, 2, 0, 3)
    both = parts[:2]  # queries and keys, [2, heads, time, dim / heads]
    if rotary is not None:
        cos, sin = rotary
        partners = both.roll(dim // heads // 2, -1)
        both = torch.addcmul(both * cos, partners, sin)
    queries, keys = both.unbind(0)
    scale = (dim // heads) ** -0.5
    empty = row.new_empty(1)  # times beta: never read
    scores = torch.baddbmm(empty, queries, keys.transpose(1, 2), beta=0, alpha=scale)
    taken = torch.bmm(scores.softmax(-1), parts[2])
    return join(taken.transpose(0, 1).reshape(time, dim))
