"""Both directions of a recurrent layer over rows without padding, when nothing is learned.

Rows that are all as long need no reversing within their own length: PyTorch's fused layer runs both
directions in one call. Its GRU has no kernel for a CPU, and begins a dozen operations per token and
direction; of one text alone NumPy computes both directions side by side in half the time. The
tests hold all of it to the layers that train.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

_RUN: dict[type[nn.Module], Callable[..., Any]] = {
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
        return _run_gru([weight.numpy() for weight in weights], states.numpy()[0])
    nothing = states.new_zeros(2, len(states), ahead.hidden_size)
    begin = (nothing, nothing) if isinstance(ahead, nn.LSTM) else nothing
    run = _RUN[type(ahead)]
    return cast(Tensor, run(states, begin, weights, True, 1, 0.0, False, True, True)[0])


def _is_for_numpy(layer: nn.RNNBase, states: Tensor) -> bool:
    alone = isinstance(layer, nn.GRU) and len(states) == 1 and states.device.type == "cpu"
    return alone and states.dtype == torch.float32


def _run_gru(weights: list[npt.NDArray[np.float32]], row: npt.NDArray[np.float32]) -> Tensor:
    """Of one row [time, dim]; `munjang.layers.cells` has the step by formula, one direction.

    Args:
        weights: W [3 hidden, dim], U [3 hidden, hidden] and their biases, of both directions.
        row: [time, dim].
    """
    time, hidden = len(row), weights[1].shape[1]
    u = weights[1], weights[5]
    of_new = np.stack([weights[3], weights[7]])[:, 2 * hidden :]
    minus_gates, new = _of_inputs(weights, row)
    found = np.empty((time, 2, hidden), dtype=np.float32)
    products = np.empty((2, 3 * hidden), dtype=np.float32)
    gates, candidate = products[:, : 2 * hidden], products[:, 2 * hidden :]
    reset, update = gates[:, :hidden], gates[:, hidden:]
    before = np.zeros((2, hidden), dtype=np.float32)
    with np.errstate(over="ignore"):  # a gate that is shut: 1 / (1 + inf)
        for state, gates_of_inputs, new_of_inputs in zip(found, minus_gates, new, strict=True):
            np.dot(u[0], before[0], out=products[0])
            np.dot(u[1], before[1], out=products[1])
            np.subtract(gates_of_inputs, gates, out=gates)
            np.exp(gates, out=gates)
            np.add(gates, 1, out=gates)
            np.reciprocal(gates, out=gates)
            np.add(candidate, of_new, out=candidate)
            np.multiply(candidate, reset, out=candidate)
            np.add(candidate, new_of_inputs, out=candidate)
            np.tanh(candidate, out=candidate)
            np.subtract(before, candidate, out=state)
            np.multiply(state, update, out=state)
            np.add(state, candidate, out=state)
            before = state
    found[:, 1] = found[::-1, 1].copy()
    return torch.from_numpy(found.reshape(1, time, 2 * hidden))


def _of_inputs(
    weights: list[npt.NDArray[np.float32]], row: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What the tokens say to the gates, negated, and to the new state: [time, 2, ...] each."""
    hidden = weights[1].shape[1]
    sums = np.empty((len(row), 2, 3 * hidden), dtype=np.float32)
    for direction in range(2):
        w, _, b, d = weights[4 * direction : 4 * direction + 4]
        products = row @ w.T
        products += b
        products[:, : 2 * hidden] += d[: 2 * hidden]
        sums[:, direction] = products[::-1] if direction else products
    return -sums[..., : 2 * hidden], sums[..., 2 * hidden :]
