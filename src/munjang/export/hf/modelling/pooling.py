"""Pooling over time: states [batch, time, dim] to one vector per row; empty rows give zeros."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Pool = Callable[[Tensor, Tensor], Tensor]


def pool_max(states: Tensor, mask: Tensor) -> Tensor:
    """Return the maximum of each feature."""
    lowest = torch.finfo(states.dtype).min
    highest = states.masked_fill(~mask[..., None], lowest).amax(1)
    return highest.masked_fill(~mask.any(1, keepdim=True), 0.0)


def pool_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the states."""
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def pool_first(states: Tensor, mask: Tensor) -> Tensor:
    """Return the first state."""
    return states[:, 0] * mask[:, :1]


def pool_last(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the last real token."""
    last = (mask.sum(1) - 1).clamp(min=0)
    return states[torch.arange(len(states), device=states.device), last] * mask[:, :1]


def pool_last_of_both(states: Tensor, mask: Tensor) -> Tensor:
    """Return the last state of each direction; that of the right-to-left one is the first."""
    ahead, back = states.chunk(2, dim=-1)
    return torch.cat([pool_last(ahead, mask), pool_first(back, mask)], dim=1)


class AttentionPooling(nn.Module):
    """A weighted mean: scores v · tanh(W h + b), and their softmax over the real tokens."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.keys = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, 1, bias=False)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per row, [batch, dim]."""
        scores = self.query(self.keys(states).tanh())[..., 0]
        lowest = torch.finfo(scores.dtype).min
        weights = scores.masked_fill(~mask, lowest).softmax(1) * mask
        return (weights[:, None] @ states)[:, 0]


POOLINGS: dict[str, Pool] = {
    "max": pool_max,
    "mean": pool_mean,
    "first": pool_first,
    "last": pool_last,
}


class Pooling(nn.Module):
    """One pooling, or several concatenated as in `max+mean`.

    Args:
        names: names of poolings, joined by "+".
        dim: width of a state.
        directions: 2 if the halves of a state are those of a left-to-right and a right-to-left
            layer.
    """

    def __init__(self, names: str, dim: int, directions: int = 1) -> None:
        super().__init__()
        self.names = names.split("+")
        self.dim = dim * len(self.names)
        self.poolings = {**POOLINGS, "last": pool_last_of_both} if directions == 2 else POOLINGS
        self.attention = AttentionPooling(dim) if "attention" in self.names else None

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per row, [batch, dim x number of poolings]."""
        pooled = [
            self.attention(states, mask)
            if name == "attention" and self.attention is not None
            else self.poolings[name](states, mask)
            for name in self.names
        ]
        return torch.cat(pooled, dim=1)
