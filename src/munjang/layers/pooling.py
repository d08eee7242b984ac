"""Pooling: states [batch, time, dim] to one vector a row, by name."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from munjang.config import suggest_nearest
from munjang.errors import ConfigError
from munjang.layers.attention import AttentionPooling
from munjang.layers.masking import last_state, last_states, masked_max, masked_mean

_WITHOUT_WEIGHTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "max": masked_max,
    "mean": masked_mean,
    "last": last_state,
}
POOLINGS = (*_WITHOUT_WEIGHTS, "attention")


def pooling_names(pooling: str) -> list[str]:
    """The names joined by '+' in `pooling`, such as `max+mean`, in their order.

    Raises:
        ConfigError: a name is unknown (the nearest one is told), or stands there twice.
    """
    names = pooling.split("+")
    for name in names:
        if name not in POOLINGS:
            known = ", ".join(POOLINGS)
            raise ConfigError(
                f"unknown pooling '{name}'{suggest_nearest(name, POOLINGS)}; "
                f"known: {known}, or some of them joined as in max+mean"
            )
    if len(set(names)) < len(names):
        raise ConfigError(f"'{pooling}' names a pooling twice; the second adds nothing")
    return names


class Pooling(nn.Module):
    """One pooling, or several side by side. Only `attention` has weights to learn.

    With two `directions` the halves of the states ran left to right and right to left; `last`
    takes each where it ended.

    Args:
        pooling: max, mean, last, attention, or some of them joined by '+'.
        dim: width of a state.
        directions: 1 or 2.

    Raises:
        ConfigError: as `pooling_names`.
    """

    def __init__(self, pooling: str, dim: int, *, directions: int = 1) -> None:
        super().__init__()
        self.names = pooling_names(pooling)
        self.dim = dim * len(self.names)
        self.functions = _WITHOUT_WEIGHTS | ({"last": last_states} if directions == 2 else {})
        self.attention = AttentionPooling(dim) if "attention" in self.names else None

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """`states` [batch, time, dim] to [batch, dim x number of names], and what attention saw.

        Returns:
            The pooled vectors, zeros for a row without any real token; and the weights of
            `attention` [batch, 1, 1, time] (one head, one query), None without it.
        """
        pooled = {n: self.functions[n](states, mask) for n in self.names if n != "attention"}
        weights = None
        if self.attention is not None:
            pooled["attention"], row_weights = self.attention(states, mask)
            weights = row_weights[:, None, None]
        return torch.cat([pooled[name] for name in self.names], dim=1), weights

    def extra_repr(self) -> str:
        """The names, as `print(module)` shows them."""
        return "+".join(self.names)
