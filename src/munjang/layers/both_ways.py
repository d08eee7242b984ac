"""Both directions of a recurrent layer over rows without padding, when nothing is learned.

Rows that are all as long need no reversing within their own length: PyTorch's fused layer runs both
directions in one call. Its GRU has no kernel for a CPU, and begins a dozen operations per token and
direction; of one text alone NumPy computes both directions side by side in half the time. The
tests hold all of it to the layers that train.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Floats = npt.NDArray[np.float32]

_RUN: dict[type[nn.RNNBase], Callable[..., tuple[Tensor, ...]]] = {
    nn.LSTM: torch.lstm,
    nn.GRU: torch.gru,
    nn.RNN: torch.rnn_tanh,
}


def run_both_ways(ahead: nn.RNNBase, back: nn.RNNBase, states: Tensor) -> Tensor:
    """The hidden states of two layers of one kind, the second one from the last token to the first.

    Args:
        ahead: `nn.RNN`, `nn.GRU` or `nn.LSTM` of one layer and direction, batch first.
        back: of the same kind and size.
        states: [batch, time, dim], without padding.

    Returns:
        [batch, time, hidden x 2].
    """
    weights = [*ahead.all_weights[0], *back.all_weights[0]]
    if _is_for_numpy(ahead, states):
        return _run_gru([weight.detach() for weight in weights], states[0])
    nothing = states.new_zeros(2, len(states), ahead.hidden_size)
    begin = (nothing, nothing) if isinstance(ahead, nn.LSTM) else nothing
    run = _RUN[type(ahead)]
    return run(states, begin, weights, True, 1, 0.0, False, True, True)[0]


def _is_for_numpy(layer: nn.RNNBase, states: Tensor) -> bool:
    alone = isinstance(layer, nn.GRU) and len(states) == 1 and states.device.type == "cpu"
    return alone and states.dtype == torch.float32


def _run_gru(weights: list[Tensor], row: Tensor) -> Tensor:
    """Of one row; `munjang.layers.cells` has the step by formula, of one direction.

    The products are PyTorch's: those of NumPy would start threads that nobody has asked for, and
    take a hundred times as long where they share a core.

    Args:
        weights: W [3 hidden, dim], U [3 hidden, hidden] and their biases, of both directions.
        row: [time, dim].

    Returns:
        [1, time, hidden x 2].
    """
    time, hidden = len(row), weights[1].shape[1]
    u, v = weights[1], weights[5]
    of_new = np.stack([weights[3].numpy(), weights[7].numpy()])[:, 2 * hidden :]
    minus_gates, new = _of_inputs(weights, row)
    states = torch.empty(time, 2, hidden)
    ahead, back = states[:, 0].unbind(0), states[:, 1].unbind(0)
    sums = torch.empty(2, 3 * hidden)
    of_ahead, of_back = sums.unbind(0)
    products, before = sums.numpy(), np.zeros((2, hidden), dtype=np.float32)
    gates, candidate = products[:, : 2 * hidden], products[:, 2 * hidden :]
    reset, update = gates[:, :hidden], gates[:, hidden:]
    sums.zero_()
    with np.errstate(over="ignore"):  # a gate that is shut: 1 / (1 + inf)
        for place, state in enumerate(states.numpy()):
            if place:
                torch.mv(u, ahead[place - 1], out=of_ahead)
                torch.mv(v, back[place - 1], out=of_back)
            np.subtract(minus_gates[place], gates, out=gates)
            np.exp(gates, out=gates)
            np.add(gates, 1, out=gates)
            np.reciprocal(gates, out=gates)
            np.add(candidate, of_new, out=candidate)
            np.multiply(candidate, reset, out=candidate)
            np.add(candidate, new[place], out=candidate)
            np.tanh(candidate, out=candidate)
            np.subtract(before, candidate, out=state)
            np.multiply(state, update, out=state)
            np.add(state, candidate, out=state)
            before = state
    return torch.cat([states[:, 0], states[:, 1].flip(0)], dim=1)[None]


def _of_inputs(weights: list[Tensor], row: Tensor) -> tuple[Floats, Floats]:
    """What the tokens say to the gates, negated, and to the new state: [time, 2, ...] each."""
    hidden = weights[1].shape[1]
    sums = torch.empty(len(row), 2, 3 * hidden)
    for direction in range(2):
        w, _, b, d = weights[4 * direction : 4 * direction + 4]
        products = F.linear(row, w, b)
        products[:, : 2 * hidden] += d[: 2 * hidden]
        sums[:, direction] = products.flip(0) if direction else products
    found: Floats = sums.numpy()
    return -found[..., : 2 * hidden], found[..., 2 * hidden :]
