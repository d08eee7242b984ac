"""Both directions of a recurrent layer over rows without padding, when nothing is learned.

Rows that are all as long need no reversing within their own length: PyTorch's fused layer runs both
directions in one call. The tests hold it to the layers that train; `munjang.layers.one_row` is for
one text alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

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
    nothing = states.new_zeros(2, len(states), ahead.hidden_size)
    begin = (nothing, nothing) if isinstance(ahead, nn.LSTM) else nothing
    run = _RUN[type(ahead)]
    return run(states, begin, weights, True, 1, 0.0, False, True, True)[0]
