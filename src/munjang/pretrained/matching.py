"""Loading of weights by name: matched, missing and left-over parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Match:
    """Result of matching weights by name with the parameters and buffers of a network.

    Attributes:
        matched: names that both have, in the same shape.
        missing: names of the network that the weights do not have.
        left_over: names of the weights that the network does not have.
        other_shape: names that both have, in different shapes: (name, shape in the weights, shape
            in the network).
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    other_shape: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    @property
    def is_whole(self) -> bool:
        """True if every name matched."""
        return not (self.missing or self.left_over or self.other_shape)

    def lines(self, most: int = 5) -> list[str]:
        """Return the match for people; of each kind at most `most` names."""
        total = len(self.matched) + len(self.missing) + len(self.other_shape)
        lines = [f"weights: {len(self.matched):,} of {total:,} tensors matched"]
        for names, kind in (
            (self.missing, "missing, initialized at random"),
            (self.left_over, "left over, not used"),
            ([f"{n} {_by(a)} for {_by(b)}" for n, a, b in self.other_shape], "of another shape"),
        ):
            if names:
                more = f", ... ({len(names) - most:,} more)" if len(names) > most else ""
                lines.append(f"weights: {len(names):,} {kind}: {', '.join(names[:most])}{more}")
        return lines


def match_weights(state: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Match:
    """Return how weights by name fit the `state` of a network; nothing is changed."""
    own = {name: tuple(tensor.shape) for name, tensor in state.items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    both = [name for name in own if name in given]
    return Match(
        matched=tuple(name for name in both if own[name] == given[name]),
        missing=tuple(name for name in own if name not in given),
        left_over=tuple(name for name in given if name not in own),
        other_shape=tuple((n, given[n], own[n]) for n in both if own[n] != given[n]),
    )


@torch.no_grad()
def load_matching(state: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Match:
    """Copy the weights that match into the `state` of a network, and return how they fit.

    Other parameters stay unchanged; the caller decides whether that is an error.
    """
    match = match_weights(state, weights)
    for name in match.matched:
        state[name].copy_(weights[name])
    return match


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
