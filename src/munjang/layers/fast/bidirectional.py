"""Both directions of a recurrent layer over rows without padding, without gradients.

Rows of equal length need no reversal within their own length: PyTorch's fused layer runs both
directions in one call. For one row there are `munjang.layers.fast.gru_row` and `packed_lstm`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

_RUN: dict[type[nn.RNNBase], Callable[..., tuple[Tensor, ...]]] = {
    nn.LSTM: torch.lstm,
    nn.GRU: torch.gru,
    nn.RNN: torch.rnn_tanh,
}


def run_bidirectional(ahead: nn.RNNBase, back: nn.RNNBase, states: Tensor) -> Tensor:
    """Return the hidden states of two layers, the second of which reads from right to left.

    Args:
        ahead: `nn.RNN`, `nn.GRU` or `nn.LSTM` of one layer and direction, batch first.
        back: a layer of the same class and size.
        states: [batch, time, dim], without padding.

    Returns:
        [batch, time, hidden x 2].
    """
    weights = [*ahead.all_weights[0], *back.all_weights[0]]
    zeros = states.new_zeros(2, len(states), ahead.hidden_size)
    begin = (zeros, zeros) if isinstance(ahead, nn.LSTM) else zeros
    run = _RUN[type(ahead)]
    return run(states, begin, weights, True, 1, 0.0, False, True, True)[0]
