"""Half-lives of memory: how far back half of what reaches a state comes from.

    distance          1     2     3     4     5      in tokens
    norm             .8    .4    .2    .1    .1      1.6 in all
    sum up to it     .8   1.2   1.4   1.5   1.6
                      └── half of it, so that the half-life is 1.0

Under an exponential decay this is its half-life in the usual sense: the norm halves every so many
tokens. It is defined for any other course too, such as that of a network that ignores most tokens
and keeps one from far back, and no single token decides it. Distance 0 does not count, since a
state may contain its own token in other ways (the other direction of a recurrent layer, the
residual path of a Transformer).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class HalfLife:
    """A half-life in tokens.

    Attributes:
        tokens: of the mean curve.
        is_lower_bound: True if the norm hardly falls over the distances measured, so that longer
            texts would give a larger one.
        quartiles: of the half-lives of single texts: a quarter, half and three quarters of the
            texts are below.
    """

    tokens: float
    is_lower_bound: bool
    quartiles: tuple[float, float, float]

    @classmethod
    def of(cls, mean: Sequence[float], texts: Sequence[Sequence[float]]) -> "HalfLife":
        """Return the half-life of a mean curve, and the quartiles over the curves of texts.

        Args:
            mean: norms by distance from 0.
            texts: norms of each text; those of fewer than three distances do not count.
        """
        lives = [half_life(text) for text in texts if len(text) > 2]
        first, second, third = (
            np.quantile(lives, (0.25, 0.5, 0.75)).tolist() if lives else [0.0] * 3
        )
        return cls(half_life(mean), _hardly_falls(mean), (first, second, third))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "tokens": round(self.tokens, 3),
            "is_lower_bound": self.is_lower_bound,
            "quartiles": [round(value, 3) for value in self.quartiles],
        }


def half_life(norms: Sequence[float]) -> float:
    """Return the half-life of norms by distance from 0, in tokens; 0 if all but the first are 0.

    The norm at distance k is spread evenly from k - 1 to k.
    """
    half, before = math.fsum(norms[1:]) / 2, 0.0
    for distance, norm in enumerate(norms[1:]):
        if norm > 0 and before + norm >= half:
            return distance + (half - before) / norm
        before += norm
    return 0.0


def _hardly_falls(norms: Sequence[float]) -> bool:
    """Return whether the last quarter of the norms is more than half as large as the first."""
    quarter = max(1, (len(norms) - 1) // 4)
    return math.fsum(norms[-quarter:]) > math.fsum(norms[1 : 1 + quarter]) / 2
