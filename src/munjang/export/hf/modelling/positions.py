"""Positions: rotary (Su et al. 2021, "RoFormer"), sinusoidal (Vaswani et al. 2017), learned."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def position_angles(time: int, width: int, like: Tensor) -> Tensor:
    """Return t / 10000^(2i / width) for each place t and pair i, [time, width / 2] float64."""
    pairs = torch.arange(0, width, 2, dtype=torch.float64, device=like.device)
    places = torch.arange(time, dtype=torch.float64, device=like.device)
    return torch.outer(places, 10_000.0 ** (-pairs / width))


def rotate(x: Tensor) -> Tensor:
    """Rotate each pair (i, i + width / 2) of features of `x` [..., time, width] by its angle."""
    angles = position_angles(x.shape[-2], x.shape[-1], x)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class SinusoidalPositions(nn.Module):
    """Sines and cosines that are added to vectors, times `scale`."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, vectors: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Add positions to `vectors` [batch, time, dim]."""
        _, time, dim = vectors.shape
        angles = position_angles(time, dim, vectors)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim]
        return vectors + self.scale * waves.to(vectors.dtype)


class LearnedPositions(nn.Module):
    """A learned vector per place, added to vectors."""

    def __init__(self, longest: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(longest, dim))

    def forward(self, vectors: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Add positions to `vectors` [batch, time, dim], whose rows have `lengths` [batch]."""
        longest = vectors.shape[1] if lengths is None else int(lengths.max())
        if longest > len(self.weight):
            raise ValueError(
                f"a text of {longest} tokens, but positions for {len(self.weight)}: tokenize with "
                "truncation=True"
            )
        beyond = vectors.shape[1] - len(self.weight)
        return vectors + F.pad(self.weight, (0, 0, 0, beyond))


def make_positions(config: Any) -> nn.Module | None:
    """Return what adds positions to vectors; None for rotary ones, which attention has."""
    if config.positions == "learned":
        return LearnedPositions(config.max_positions, config.dim)
    return None if config.positions == "rotary" else SinusoidalPositions(config.position_scale)
