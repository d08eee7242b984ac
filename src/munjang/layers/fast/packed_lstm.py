"""Both directions of an LSTM over one row, by oneDNN with weights that are packed once.

`torch.lstm` brings the weights into oneDNN's layout at every call, which takes a quarter of the
time of a short text. The operators that pack weights and read them packed are private to PyTorch
(tried with 2.13), so a build without them falls back to `torch.lstm`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_LSTM = 2  # oneDNN's number of the cell


class PackedLstm(NamedTuple):
    """Weights of both directions, each as oneDNN lays them out.

    Attributes:
        ahead: weights and biases left to right.
        back: weights and biases right to left.
        zeros: the state before the first token, [1, 1, hidden].
    """

    ahead: Sequence[Tensor]
    back: Sequence[Tensor]
    zeros: Tensor


def pack_lstm(*weights: Tensor) -> PackedLstm | None:
    """Pack the four weights of the left-to-right direction, then those of the other.

    Returns:
        None where this build of PyTorch or this processor has no packed LSTM.
    """
    dim, hidden = weights[0].shape[1], weights[1].shape[1]
    zeros = weights[0].new_zeros(1, 1, hidden)
    packed: list[Sequence[Tensor]] = []
    try:
        for reverse in (False, True):
            w, u, *biases = weights[4:] if reverse else weights[:4]
            layout = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(
                w, u, hidden, reverse, True, False, [1, 1, dim]
            )
            packed.append([*layout, *biases])
        result = PackedLstm(packed[0], packed[1], zeros)
        run_packed_lstm(result, weights[0].new_zeros(1, dim))
    except (AttributeError, RuntimeError):
        return None
    return result


def run_packed_lstm(weights: PackedLstm, row: Tensor) -> Tensor:
    """Return the hidden states of both directions.

    Args:
        weights: of `pack_lstm`.
        row: [time, dim], float32 on the CPU.

    Returns:
        [1, time, hidden x 2].
    """
    tokens = row[:, None]
    ahead = _run(weights.ahead, tokens, weights.zeros, reverse=False)
    back = _run(weights.back, tokens, weights.zeros, reverse=True)
    return torch.cat([ahead, back], dim=2).transpose(0, 1)


def _run(weights: Sequence[Tensor], tokens: Tensor, zeros: Tensor, *, reverse: bool) -> Tensor:
    hidden = zeros.shape[2]
    states: Tensor = torch.ops.aten.mkldnn_rnn_layer(
        tokens, *weights, zeros, zeros, reverse, [], _LSTM, hidden, 1, True, False, False, False
    )[0]
    return states
