"""Both directions of a GRU over one row, when nothing is learned.

PyTorch's GRU has no kernel for a CPU, and begins a dozen operations per token and direction. Here
the weights are laid out once, so that one product of small matrices serves all gates of both
directions, and NumPy, whose operations begin sooner, does the rest of a step. The tests hold it to
the layers that train; `munjang.layers.cells` has the step by formula, of one direction.

The products are PyTorch's: those of NumPy would start threads that nobody has asked for, and take a
hundred times as long where they share a core.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

# A logistic function is (1 + tanh(x / 2)) / 2: halved weights let one tanh serve both gates.
_HALF = 0.5


class RowWeights(NamedTuple):
    """Weights of both directions as `run_row` reads them, those of the gates r and z halved.

    Attributes:
        w: on the vectors, [2, dim, 3 hidden].
        u: on the hidden states, [2, hidden, 3 hidden].
        b: the biases that stand in the same sum, [2, 1, 3 hidden].
        d: the bias beside U of the candidate, [2, hidden].
    """

    w: Tensor
    u: Tensor
    b: Tensor
    d: Tensor


@dataclass(frozen=True)
class Remembered:
    """The weights as laid out, and what they were made of.

    Attributes:
        sources: the parameters themselves.
        versions: how often each had been changed.
        laid_out: as `run_row` reads them.
    """

    sources: tuple[Tensor, ...]
    versions: tuple[int, ...]
    laid_out: RowWeights

    def holds(self, sources: tuple[Tensor, ...]) -> bool:
        """Whether nobody has replaced or changed a parameter since."""
        return all(
            now is then and now._version == version
            for now, then, version in zip(sources, self.sources, self.versions, strict=True)
        )


def is_for_one_row(layer: nn.Module, states: Tensor) -> bool:
    """Whether `run_row` computes this layer over `states` [batch, time, dim]."""
    alone = isinstance(layer, nn.GRU) and len(states) == 1 and states.device.type == "cpu"
    return alone and states.dtype == torch.float32


def remember(ahead: nn.RNNBase, back: nn.RNNBase, before: Remembered | None) -> Remembered:
    """The weights of two directions laid out; what was made `before`, where it still holds."""
    sources = (*ahead.all_weights[0], *back.all_weights[0])
    if before is not None and before.holds(sources):
        return before
    versions = tuple(source._version for source in sources)
    # made in inference mode they could stand in no copy that trains
    with torch.inference_mode(False), torch.no_grad():
        parts = _laid_out(*sources[:4]), _laid_out(*sources[4:])
        laid_out = RowWeights(*(torch.stack(both) for both in zip(*parts, strict=True)))
    return Remembered(sources, versions, laid_out)


def _laid_out(w: Tensor, u: Tensor, b: Tensor, d: Tensor) -> RowWeights:
    """Of one direction, without the first dimension."""
    gates = len(d) // 3 * 2
    halves = torch.ones_like(b)
    halves[:gates] = _HALF
    beside = torch.cat([d[:gates], torch.zeros_like(d[gates:])])
    of_all = halves[:, None]
    return RowWeights((w * of_all).T, (u * of_all).T, ((b + beside) * halves)[None], d[gates:])


def run_row(weights: RowWeights, row: Tensor) -> Tensor:
    """The hidden states of both directions.

    Args:
        weights: of `remember`.
        row: [time, dim], float32 on the CPU.

    Returns:
        [1, time, hidden x 2].
    """
    time, hidden = len(row), weights.u.shape[1]
    sums, states = torch.empty(time, 2, 1, 3 * hidden), torch.empty(time, 2, 1, hidden)
    both = torch.stack([row, row.flip(0)])
    torch.baddbmm(weights.b, both, weights.w, out=sums[:, :, 0].transpose(0, 1))
    _step(weights, sums, states)
    ahead, back = states[:, :, 0].unbind(1)
    return torch.cat([ahead, back.flip(0)], dim=1)[None]


def _step(weights: RowWeights, sums: Tensor, states: Tensor) -> None:
    """Fill `states` [time, 2, 1, hidden] from `sums` [time, 2, 1, 3 hidden] of what tokens say."""
    time, _, _, hidden = states.shape
    by_gate = sums.numpy().reshape(time, 2, 3, hidden).transpose(0, 2, 1, 3)
    new = by_gate[:, 2].copy()
    by_gate[:, 2] = weights.d.numpy()
    gates = np.empty((2, 2, hidden), dtype=np.float32)
    half, candidate = np.full_like(gates, _HALF), np.empty_like(gates[0])
    reset, update = gates
    before = np.zeros_like(candidate)
    # lists: of a tensor each place would be sliced anew, at the cost of two operations
    products, said, outs = sums.unbind(0), states.unbind(0), states.numpy()[:, :, 0]
    for place, (heard, of_token, state) in enumerate(zip(by_gate, new, outs, strict=True)):
        if place:
            products[place].baddbmm_(said[place - 1], weights.u)
        np.tanh(heard[:2], out=gates)
        np.multiply(gates, half, out=gates)
        np.add(gates, half, out=gates)
        np.multiply(heard[2], reset, out=candidate)
        np.add(candidate, of_token, out=candidate)
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=state)
        np.multiply(state, update, out=state)
        np.add(state, candidate, out=state)
        before = state
