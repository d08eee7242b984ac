"""Half-lives of memory: after how many tokens more a gradient is half as large.

    norms   1.7   1.0   0.8   0.6   0.4   0.3      by distance in tokens: 0, 1, 2, ...
                   └── half of it between 3 and 4 ──► half-life 2.4

The norm at distance 1 is the measure, and not that at 0, since a state may contain its own token
in other ways (the other direction of a recurrent layer, the residual path of a Transformer). Under
an exponential decay the half-life does not depend on this choice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# The smallest number of float64: the logarithm of a norm of zero is that of it.
_LEAST = 5e-324
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class HalfLife:
    """A half-life in tokens; None where the norm was never below half within the texts.

    Attributes:
        tokens: of the mean curve.
        quartiles: of the curves of single texts, each by itself: the half-life that a quarter,
            half and three quarters of them stay below.
        measured: largest half-life that the mean curve was long enough to show.
    """

    tokens: float | None
    quartiles: tuple[float | None, float | None, float | None]
    measured: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "tokens": _rounded(self.tokens),
            "quartiles": [_rounded(value) for value in self.quartiles],
            "measured": self.measured,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def half_life(norms: Sequence[float]) -> float | None:
    """Return the half-life of norms by distance from 0; None if they stay above half.

    Between two distances the logarithm of the norm is taken as linear.

    Args:
        norms: one per distance: 0, 1, 2, ...
    """
    if len(norms) < 2:
        return None
    half = norms[1] / 2
    if norms[1] <= 0:
        return 0.0  # a state of its own token only
    for distance in range(2, len(norms)):
        if norms[distance] < half:
            before, after = (math.log(max(n, _LEAST)) for n in norms[distance - 1 : distance + 1])
            share = (before - math.log(max(half, _LEAST))) / (before - after)
            return distance - 2 + min(1.0, max(0.0, share))
    return None


def quartiles_of(
    curves: Sequence[Sequence[float]],
) -> tuple[float | None, float | None, float | None]:
    """Return the quartiles of the half-lives of single texts.

    A text that is too short to show its half-life says only that it is longer. Such observations
    are "censored", and count until their end (Kaplan and Meier 1958, "Nonparametric estimation from
    incomplete observations").

    Args:
        curves: norms of each text by distance.
    """
    seen: list[tuple[float, bool]] = []
    for curve in curves:
        if len(curve) > 2:
            found = half_life(curve)
            seen.append((len(curve) - 2.0, False) if found is None else (found, True))
    # of equal numbers an end comes first: a text that was cut there was still above half
    seen.sort(key=lambda one: (one[0], not one[1]))
    quartiles: list[float | None] = []
    surviving, left = 1.0, len(seen)
    for tokens, is_end in seen:
        if is_end:
            surviving *= 1 - 1 / left
        while len(quartiles) < 3 and surviving <= 1 - _QUARTILES[len(quartiles)] + 1e-12:
            quartiles.append(tokens)
        left -= 1
    first, second, third = (*quartiles, None, None, None)[:3]
    return first, second, third
