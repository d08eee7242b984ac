"""Where a token stands, told to layers that see a text as a set.

Vaswani et al. (2017) add sines or a learned vector to each token's vector; Su et al. (2021),
"RoFormer", turn queries and keys instead, so that a score depends on the distance alone.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Positions = Literal["sinusoidal", "learned", "rotary"]


class Turns(NamedTuple):
    """Cosines and sines of the angles of some places.

    Attributes:
        cos: [time, width / 2].
        sin: [time, width / 2].
        wide: both for every number of a head, [time, width], the sines with their signs, for
            `munjang.layers.fast.attention_row`; None where they are not kept.
    """

    cos: Tensor
    sin: Tensor
    wide: tuple[Tensor, Tensor] | None = None


_REMEMBERED = 256  # so many lengths of texts, none longer: some megabytes


def angles(time: int, width: int, device: torch.device, first: int = 0) -> Tensor:
    """Place t and pair i to t / 10000^(2i / width): [time, pairs], in float64, from `first` on.

    Far places have large angles, of which a float32 would keep too few digits.
    """
    pairs = torch.arange(0, width, 2, dtype=torch.float64, device=device)
    places = torch.arange(first, first + time, dtype=torch.float64, device=device)
    return torch.outer(places, 10_000.0 ** (-pairs / width))


class SinusoidalPositions(nn.Module):
    """Adds P[t, 2i] = sin(t / 10000^(2i / dim)) and P[t, 2i + 1] = cos(the same).

    Nothing is learned, and there is no longest text.

    Args:
        scale: of what is added. In the paper vectors are about as large as the waves; where they
            begin smaller, waves of 1 would drown them.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, vectors: Tensor, mask: Tensor | None, first: int = 0) -> Tensor:
        """`vectors` [batch, time, dim] with those of their places added, from `first` on."""
        del mask  # a place is what it is, padded or not
        _, time, dim = vectors.shape
        turned = angles(time, dim, vectors.device, first)
        waves = torch.stack([turned.sin(), turned.cos()], dim=-1).flatten(1)
        return vectors + self.scale * waves[:, :dim].to(vectors.dtype)


class LearnedPositions(nn.Module):
    """Adds a learned vector for each place.

    Args:
        longest: places that have a vector.
        dim: its width.
    """

    def __init__(self, longest: int, dim: int) -> None:
        super().__init__()
        self.longest = longest
        self.weight = nn.Parameter(torch.empty(longest, dim).normal_(std=0.02))

    def forward(self, vectors: Tensor, mask: Tensor | None, first: int = 0) -> Tensor:
        """`vectors` [batch, time, dim] with those of their places added, from `first` on.

        Raises:
            ValueError: a real token stands beyond `longest`; padding may. Without a mask all
                tokens are real.
        """
        after = first + vectors.shape[1]
        if after <= self.longest:
            return vectors + self.weight[first:after]
        if mask is None or mask[:, self.longest - first :].any():
            most = after if mask is None else int(mask.sum(1).max())
            raise ValueError(f"a text of {most} tokens, and positions for {self.longest}")
        return vectors + F.pad(self.weight[first:], (0, 0, 0, after - self.longest))


def added_positions(
    kind: Positions, longest: int, dim: int, *, scale: float = 1.0
) -> SinusoidalPositions | LearnedPositions | None:
    """What adds places to the vectors; None where queries and keys are turned instead.

    Args:
        kind: by name.
        longest: places that learned positions know.
        dim: width of a vector.
        scale: of sinusoidal positions.
    """
    if kind == "learned":
        return LearnedPositions(longest, dim)
    return SinusoidalPositions(scale) if kind == "sinusoidal" else None


def turns(time: int, width: int, like: Tensor, first: int = 0) -> Turns:
    """Cosines and sines of `angles`, each [time, width / 2], of the type of `like`."""
    if first == 0 and time <= _REMEMBERED:
        return _turns_of(time, width, like.device, like.dtype)
    turned = angles(time, width, like.device, first)
    return Turns(turned.cos().to(like.dtype), turned.sin().to(like.dtype))


@lru_cache(maxsize=_REMEMBERED)
def _turns_of(time: int, width: int, device: torch.device, dtype: torch.dtype) -> Turns:
    # made in inference mode they could take no part in a training
    with torch.inference_mode(False), torch.no_grad():
        turned = angles(time, width, device)
        cos, sin = turned.cos().to(dtype), turned.sin().to(dtype)
        return Turns(cos, sin, (torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)))


def turn(x: Tensor, turns: Turns) -> Tensor:
    """Turn each pair of numbers of `x` [..., time, width] by the angle of its place.

    A pair is (i, i + width / 2), not the paper's (2i, 2i + 1): the same but for the order of the
    rows of the weights before it, and two slices are cheaper than every other number.
    """
    cosine, sine, _ = turns
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
