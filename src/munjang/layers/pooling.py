"""Pooling: states [batch, time, dim] to one vector a row, by name."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from munjang.layers.masking import last_state, last_states, masked_max, masked_mean

Pooling = Literal["max", "mean", "last", "max+mean"]

_POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "max": masked_max,
    "mean": masked_mean,
    "last": last_state,
}


def pool(states: Tensor, mask: Tensor, pooling: Pooling, *, directions: int = 1) -> Tensor:
    """Pool `states` [batch, time, dim] to [batch, dim x number of names joined by '+'].

    With two `directions` the halves of `states` ran left to right and right to left; `last` takes
    each where it ended.
    """
    if pooling == "last" and directions == 2:
        return last_states(states, mask)
    return torch.cat([_POOLINGS[name](states, mask) for name in pooling.split("+")], dim=1)


def pooled_dim(dim: int, pooling: Pooling) -> int:
    """Width of what `pool` gives."""
    return dim * len(pooling.split("+"))
