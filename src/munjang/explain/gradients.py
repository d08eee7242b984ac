"""Gradient x input and integrated gradients of scores with respect to token vectors.

Sundararajan, Taly and Yan (2017), "Axiomatic attribution for deep networks". With the vectors x of
a text, those x' of a baseline and the score F, a token's share is

    (x - x') . integral of grad F(x' + a (x - x')) over a from 0 to 1

and all shares sum to F(x) - F(x'): completeness. The integral is a sum over nodes of Gauss and
Legendre, which is exact for polynomials of a degree below twice their number. A maximum over time
has kinks, and needs more nodes than a smooth function. Behind a norm, F changes most in the first
hundredths of the line, where the vectors are about as small as the constant of the norm. So the
nodes are spread over t, with a = (exp(c t) - 1) / (exp(c) - 1), which is the same integral.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Floats = npt.NDArray[np.float64]

# Scores [batch, scores] of tables of vectors, [batch, places, dim] each.
ScoreVectors = Callable[[Sequence[Tensor]], Tensor]

# A number of nodes -> their places on the line from 0 to 1, and their weights.
Spread = Callable[[int], tuple[Floats, Floats]]

# Numbers of nodes: the first one, doubled up to the last.
FEWEST_STEPS, MOST_STEPS = 8, 256
# Largest part of F(x) - F(x') that the shares may lack before the steps are doubled.
TOLERANCE = 0.01
# The c of the line: its first tenth of nodes lies within a of 0.002 (docs/log.md).
_CURVATURE = 6.0
# Differences of F below it are rounding errors.
_ROUNDING = 1e-6
# Most tokens that are read at once.
_MOST_TOKENS = 4096


def spread_evenly(count: int) -> tuple[Floats, Floats]:
    """Return the places of nodes on the line from 0 to 1, and their weights, [count] each.

    Args:
        count: number of nodes.
    """
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def spread_from_zero(count: int) -> tuple[Floats, Floats]:
    """Return places of which most are near 0, and their weights, [count] each.

    Args:
        count: number of nodes.
    """
    even, weights = spread_evenly(count)
    whole = np.expm1(_CURVATURE)
    return np.expm1(_CURVATURE * even) / whole, weights * _CURVATURE * np.exp(
        _CURVATURE * even
    ) / whole


@dataclass(frozen=True, eq=False)
class VectorGradients:
    """Mean gradients of scores along a path.

    Attributes:
        gradients: one per table, [scores, places, dim].
        value: F(x), [scores].
        base: F(x'), [scores].
        steps: number of nodes; 1 for the gradient at x.
    """

    gradients: tuple[Tensor, ...]
    value: Tensor
    base: Tensor
    steps: int

    def shares(self, vectors: Sequence[Tensor], baseline: Sequence[Tensor]) -> Tensor:
        """Return the share of each place, [scores, places].

        Args:
            vectors: x, one table [1, places, dim] per gradient.
            baseline: x'.
        """
        parts = [
            ((x - base) * gradient).sum(2)
            for x, base, gradient in zip(vectors, baseline, self.gradients, strict=True)
        ]
        return torch.stack(parts).sum(0)


def gradient(
    score: ScoreVectors, vectors: Sequence[Tensor], baseline: Sequence[Tensor]
) -> VectorGradients:
    """Return the gradients at x.

    Args:
        score: F.
        vectors: x, tables [1, places, dim].
        baseline: x'.
    """
    sums = _weighted_gradients(score, vectors, baseline, np.ones(1), np.ones(1))
    value, base = _ends(score, vectors, baseline)
    return VectorGradients(sums, value, base, 1)


def integrated_gradients(
    score: ScoreVectors,
    vectors: Sequence[Tensor],
    baseline: Sequence[Tensor],
    *,
    steps: int | None = None,
    spread: Spread = spread_from_zero,
) -> VectorGradients:
    """Return the mean gradients along the line from x' to x.

    Args:
        score: F.
        vectors: x, tables [1, places, dim].
        baseline: x'.
        steps: number of nodes; if None, 8 are doubled until the shares of every score are
            complete within 1 % of |F(x) - F(x')|, or there are 256.
        spread: gives the places and weights of nodes.
    """
    value, base = _ends(score, vectors, baseline)
    count = FEWEST_STEPS if steps is None else steps
    while True:
        sums = _weighted_gradients(score, vectors, baseline, *spread(count))
        found = VectorGradients(sums, value, base, count)
        if steps is not None or 2 * count > MOST_STEPS:
            return found
        lacking = found.shares(vectors, baseline).sum(1) - (value - base)
        if bool((lacking.abs() <= TOLERANCE * (value - base).abs() + _ROUNDING).all()):
            return found
        count *= 2


def _ends(
    score: ScoreVectors, vectors: Sequence[Tensor], baseline: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """Return F(x) and F(x'), [scores] each."""
    with torch.no_grad():
        ends = [torch.cat(pair) for pair in zip(vectors, baseline, strict=True)]
        value, base = score(ends).unbind(0)
    return value, base


def _weighted_gradients(
    score: ScoreVectors,
    vectors: Sequence[Tensor],
    baseline: Sequence[Tensor],
    nodes: np.ndarray,
    weights: np.ndarray,
) -> tuple[Tensor, ...]:
    """Return the weighted sums of gradients at some nodes of the line, [scores, places, dim]."""
    most = max(1, _MOST_TOKENS // max(1, vectors[0].shape[1]))
    sums: list[Tensor] | None = None
    for start in range(0, len(nodes), most):
        some = torch.from_numpy(nodes[start : start + most]).to(vectors[0])[:, None, None]
        factors = torch.from_numpy(weights[start : start + most]).to(vectors[0])
        with torch.inference_mode(False), torch.enable_grad():
            tables = [
                torch.lerp(base.expand(len(some), -1, -1), x.expand(len(some), -1, -1), some)
                .detach()
                .requires_grad_()
                for x, base in zip(vectors, baseline, strict=True)
            ]
            outputs = (score(tables) * factors[:, None]).sum(0)
            parts = [
                torch.autograd.grad(output, tables, retain_graph=True, materialize_grads=True)
                for output in outputs.unbind(0)
            ]
        added = [
            torch.stack([grads.sum(0) for grads in table]) for table in zip(*parts, strict=True)
        ]
        sums = added if sums is None else [a + b for a, b in zip(sums, added, strict=True)]
    assert sums is not None
    return tuple(sums)
