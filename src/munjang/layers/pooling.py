"""Pooling over time: states [batch, time, dim] to one vector per row."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.config import suggest_nearest
from munjang.errors import ConfigError
from munjang.layers.attention import AttentionPooling
from munjang.layers.masking import (
    first_state,
    has_no_padding,
    last_state,
    last_states,
    masked_max,
    masked_mean,
)

Floats = npt.NDArray[np.float32]

_WITHOUT_WEIGHTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "max": masked_max,
    "mean": masked_mean,
    "last": last_state,
    "first": first_state,
}
# Poolings without padding and gradients, where a mask only costs operations.
_UNPADDED: dict[str, Callable[[Tensor], Tensor]] = {
    "max": lambda states: states.amax(1),
    "mean": lambda states: states.sum(1) / states.shape[1],
    "first": lambda states: states[:, 0],
}
# The same of one row [time, dim], written into `out` by NumPy, whose operations start sooner.
_OF_ROW: dict[str, Callable[[Floats, Floats], object]] = {
    "max": lambda row, out: row.max(0, out=out),
    "mean": lambda row, out: np.divide(row.sum(0), len(row), out=out),
    "first": lambda row, out: np.copyto(out, row[0]),
}
POOLINGS = (*_WITHOUT_WEIGHTS, "attention")


def pooling_names(pooling: str) -> list[str]:
    """Return the names joined by '+' in `pooling`, such as `max+mean`, in order.

    Raises:
        ConfigError: a name is unknown (the nearest is suggested) or occurs twice.
    """
    names = pooling.split("+")
    for name in names:
        if name not in POOLINGS:
            known = ", ".join(POOLINGS)
            raise ConfigError(
                f"unknown pooling '{name}'{suggest_nearest(name, POOLINGS)}; "
                f"known: {known}, or several joined as in max+mean"
            )
    if len(set(names)) < len(names):
        raise ConfigError(f"'{pooling}' names a pooling twice; name each once, as in max+mean")
    return names


class Pooling(nn.Module):
    """One pooling, or several concatenated. Only `attention` has weights.

    With two `directions` the halves of a state are those of a left-to-right and a right-to-left
    layer; `last` takes the final state of each.

    Attributes:
        is_simple: whether each pooling of a row reads its real places alone, without weights.

    Args:
        pooling: max, mean, last, first, attention, or several joined by '+'.
        dim: width of a state.
        directions: 1 or 2.

    Raises:
        ConfigError: a name is unknown or occurs twice.
    """

    def __init__(self, pooling: str, dim: int, *, directions: int = 1) -> None:
        super().__init__()
        self.names = pooling_names(pooling)
        self.dim = dim * len(self.names)
        self.functions = _WITHOUT_WEIGHTS | ({"last": last_states} if directions == 2 else {})
        self.is_simple = all(name in _UNPADDED for name in self.names)
        self.attention = AttentionPooling(dim) if "attention" in self.names else None

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pool `states` [batch, time, dim] over the real places of `mask` [batch, time].

        Returns:
            The pooled vectors [batch, dim x number of names], zeros for a row without any real
            token, and the weights of `attention` [batch, 1, 1, time] (one head, one query), or None
            without it.
        """
        if (
            self.is_simple
            and states.numel()
            and not torch.is_grad_enabled()
            and has_no_padding(mask)
        ):
            rows = [_UNPADDED[name](states) for name in self.names]
            return torch.cat(rows, dim=1) if len(rows) > 1 else rows[0], None
        pooled = {n: self.functions[n](states, mask) for n in self.names if n != "attention"}
        weights = None
        if self.attention is not None:
            pooled["attention"], row_weights = self.attention(states, mask)
            weights = row_weights[:, None, None]
        return torch.cat([pooled[name] for name in self.names], dim=1), weights

    def pool_rows(self, states: Tensor, bounds: Sequence[tuple[int, int]]) -> Tensor:
        """Pool rows that stand one after the other, without gradients, if `is_simple`.

        Args:
            states: [places, dim], on the CPU.
            bounds: first place of each row, and the place after its last.

        Returns:
            [rows, dim x number of names]; zeros for an empty row.
        """
        values = states.float().numpy()
        pooled = np.zeros((len(bounds), len(self.names), values.shape[1]), dtype=np.float32)
        for parts, (start, end) in zip(pooled, bounds, strict=True):
            if end > start:
                row = values[start:end]
                for part, name in zip(parts, self.names, strict=True):
                    _OF_ROW[name](row, part)
        return torch.from_numpy(pooled.reshape(len(bounds), -1)).to(states.dtype)

    def place_weights(self, states: Tensor, mask: Tensor) -> list[Tensor]:
        """Return the weight of each place in each pooled number, one tensor per name.

        Pooled vectors are sums over time of weights times states. Places that share a maximum
        share its weight.

        Args:
            states: [batch, time, dim].
            mask: [batch, time], True = real token.

        Returns:
            Tensors that broadcast to [batch, time, dim].
        """
        with torch.enable_grad():
            leaf = states.detach().requires_grad_()
            return [
                self.attention(leaf, mask)[1][..., None].detach()
                if name == "attention" and self.attention is not None
                else torch.autograd.grad(self.functions[name](leaf, mask).sum(), leaf)[0]
                for name in self.names
            ]

    def extra_repr(self) -> str:
        """Return the names, for `print(module)`."""
        return "+".join(self.names)
