"""Both directions of a GRU over one row, without gradients.

PyTorch's GRU has no kernel for a CPU, and begins a dozen operations per token and direction. Here
one product of small matrices serves all gates of both directions, and four more operations finish
a step. `munjang.layers.cells.gru_step` is the same step of one direction by formula.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class GruWeights(NamedTuple):
    """Weights of both directions, the gates r, z and the candidate n side by side.

    Attributes:
        w: on the vectors, [2, dim, 3 hidden].
        u: on the hidden states, [2, hidden, 3 hidden].
        b: biases of the input sums, [2, 1, 3 hidden]; those of the gates hold the hidden ones too.
        d: bias beside U of the candidate, [2, 1, hidden].
    """

    w: Tensor
    u: Tensor
    b: Tensor
    d: Tensor


def lay_out_gru(*weights: Tensor) -> GruWeights:
    """Lay out the four weights of the left-to-right direction, then those of the other."""
    directions = _lay_out(*weights[:4]), _lay_out(*weights[4:])
    return GruWeights(*(torch.stack(both) for both in zip(*directions, strict=True)))


def _lay_out(w: Tensor, u: Tensor, b: Tensor, d: Tensor) -> tuple[Tensor, ...]:
    gates = len(d) // 3 * 2
    of_gates = torch.cat([d[:gates], torch.zeros_like(d[gates:])])
    return w.T, u.T, (b + of_gates)[None], d[None, gates:]


def run_gru_row(weights: GruWeights, row: Tensor) -> Tensor:
    """Return the hidden states of both directions.

    Args:
        weights: of `lay_out_gru`.
        row: [time, dim], float32 on the CPU.

    Returns:
        [1, time, hidden x 2].
    """
    time, hidden = len(row), weights.u.shape[1]
    both = torch.stack([row, row.flip(0)])
    sums = torch.baddbmm(weights.b, both, weights.w).transpose(0, 1)[:, :, None]
    from_token = sums[..., 2 * hidden :].clone()
    sums[..., 2 * hidden :] = weights.d
    states = row.new_empty(time, 2, 1, hidden)
    _fill_states(weights.u, sums, from_token, states)
    ahead, back = states[:, :, 0].unbind(1)
    return torch.cat([ahead, back.flip(0)], dim=1)[None]


def _fill_states(u: Tensor, sums: Tensor, from_token: Tensor, states: Tensor) -> None:
    """Fill `states` [time, 2, 1, hidden], step by step.

        r, z = sigmoid(sums + h U)      n = tanh(from_token + r (d + h U))      h' = n + z (h - n)

    `sums` [time, 2, 1, 3 hidden] holds d where the candidate stands.
    """
    hidden = states.shape[-1]
    products = states.new_empty(2, 1, 3 * hidden)
    gates, candidate = products[..., : 2 * hidden], products[..., 2 * hidden :]
    reset, update = gates.chunk(2, dim=-1)
    before = states.new_zeros(2, 1, hidden)
    steps = zip(sums.unbind(0), from_token.unbind(0), states.unbind(0), strict=True)
    for token_sums, new, state in steps:
        torch.baddbmm(token_sums, before, u, out=products)
        gates.sigmoid_()
        new.addcmul_(candidate, reset).tanh_()
        torch.lerp(new, before, update, out=state)
        before = state
