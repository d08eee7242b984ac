"""Position encodings for layers that are blind to order.

Vaswani et al. (2017) add sines or a learned vector to each token's vector; Su et al. (2021),
"RoFormer", rotate queries and keys instead, so that a score depends on the distance only.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Positions = Literal["sinusoidal", "learned", "rotary"]


class Rotary(NamedTuple):
    """Cosines and sines of the rotation angles of some places.

    Attributes:
        cos: [time, width / 2].
        sin: [time, width / 2].
        full: both for every feature of a head, [time, width], the sines with their signs, for
            `munjang.layers.fast.attention_row`; None if they are not cached.
    """

    cos: Tensor
    sin: Tensor
    full: tuple[Tensor, Tensor] | None = None


_CACHED = 256  # lengths of texts, none longer: some megabytes


def position_angles(time: int, width: int, device: torch.device, first: int = 0) -> Tensor:
    """Return t / 10000^(2i / width) per place t >= `first` and pair i: [time, pairs], float64.

    A float32 would keep too few digits of the large angles of far places.
    """
    pairs = torch.arange(0, width, 2, dtype=torch.float64, device=device)
    places = torch.arange(first, first + time, dtype=torch.float64, device=device)
    return torch.outer(places, 10_000.0 ** (-pairs / width))


class SinusoidalPositions(nn.Module):
    """Sinusoidal positions: P[t, 2i] = sin(t / 10000^(2i / dim)), P[t, 2i + 1] = cos(...), added.

    They have no parameters and no longest text.

    Args:
        scale: factor of the added waves. In the paper vectors are about as large as the waves;
            waves of amplitude 1 would dominate smaller ones.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, vectors: Tensor, mask: Tensor | None, first: int = 0) -> Tensor:
        """Add to `vectors` [batch, time, dim] those of the places from `first` on."""
        del mask  # padding does not change a position
        _, time, dim = vectors.shape
        angles = position_angles(time, dim, vectors.device, first)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
        return vectors + self.scale * waves[:, :dim].to(vectors.dtype)


class LearnedPositions(nn.Module):
    """Learned positions: one vector per place, added.

    Args:
        longest: number of places that have a vector.
        dim: width of a vector.
    """

    def __init__(self, longest: int, dim: int) -> None:
        super().__init__()
        self.longest = longest
        self.weight = nn.Parameter(torch.empty(longest, dim).normal_(std=0.02))

    def forward(self, vectors: Tensor, mask: Tensor | None, first: int = 0) -> Tensor:
        """Add to `vectors` [batch, time, dim] those of the places from `first` on.

        Raises:
            ValueError: a real token is beyond `longest`; padding may be. Without a mask all tokens
                are real.
        """
        after = first + vectors.shape[1]
        if after <= self.longest:
            return vectors + self.weight[first:after]
        if mask is None or mask[:, self.longest - first :].any():
            most = after if mask is None else int(mask.sum(1).max())
            raise ValueError(f"a text of {most} tokens, but learned positions for {self.longest}")
        return vectors + F.pad(self.weight[first:], (0, 0, 0, after - self.longest))


def make_positions(
    kind: Positions, longest: int, dim: int, *, scale: float = 1.0
) -> SinusoidalPositions | LearnedPositions | None:
    """Return the layer that adds positions to vectors; None for rotary positions.

    Args:
        kind: name of the position encoding.
        longest: number of places of learned positions.
        dim: width of a vector.
        scale: factor of sinusoidal positions.
    """
    if kind == "learned":
        return LearnedPositions(longest, dim)
    return SinusoidalPositions(scale) if kind == "sinusoidal" else None


def rotary_tables(time: int, width: int, like: Tensor, first: int = 0) -> Rotary:
    """Return cosines and sines of the places from `first` on, of the type of `like`."""
    if first == 0 and time <= _CACHED:
        return _cached_tables(time, width, like.device, like.dtype)
    if first + time <= _CACHED:  # a step of decoding
        cos, sin, _ = _cached_tables(_CACHED, width, like.device, like.dtype)
        return Rotary(cos[first : first + time], sin[first : first + time])
    angles = position_angles(time, width, like.device, first)
    return Rotary(angles.cos().to(like.dtype), angles.sin().to(like.dtype))


@lru_cache(maxsize=_CACHED)
def _cached_tables(time: int, width: int, device: torch.device, dtype: torch.dtype) -> Rotary:
    # tensors made in inference mode cannot take part in training
    with torch.inference_mode(False), torch.no_grad():
        angles = position_angles(time, width, device)
        cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
        return Rotary(cos, sin, (torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)))


def apply_rotary(x: Tensor, rotary: Rotary) -> Tensor:
    """Rotate each pair of features of `x` [..., time, width] by the angle of its place.

    A pair is (i, i + width / 2), not the paper's (2i, 2i + 1). This only permutes the rows of the
    projection before it, and two slices are cheaper than every other feature.
    """
    cos, sin, _ = rotary
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
