"""Final states of a recurrent layer at the end of each padded row, without packing."""

import torch
from torch import Tensor, nn

from munjang.layers.fast.fused_recurrent import run_fused
from munjang.layers.masking import last_state

# Added to the gates at padding: so large that the logistic function is exactly 0 or 1.
_SHUT, _OPEN = -1000.0, 1000.0


def run_with_final_states(layer: nn.Module, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Run a fused layer over right-padded rows and return the states at their ends too.

    Args:
        layer: `nn.RNN`, `nn.GRU` or `nn.LSTM` of one layer and direction, batch first.
        states: [batch, time, dim].
        mask: [batch, time], True = real token.

    Returns:
        Hidden states [batch, time, hidden], and the final states [batch, parts, hidden] at each
        row's last real token: the hidden state and, for `nn.LSTM`, the memory cell. Zeros for a
        row without any real token.
    """
    if isinstance(layer, nn.LSTM):
        hidden, cells = _run_lstm(layer, states, mask)
        return hidden, torch.stack([last_state(hidden, mask), cells], dim=1)
    hidden, _ = run_fused(layer, states)
    return hidden, last_state(hidden, mask)[:, None]


def _run_lstm(layer: nn.LSTM, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return all hidden states, and the memory cells [batch, hidden] at the rows' ends.

    The fused layer returns the memory cell of the last time step only, padding included. So padding
    is made to leave it unchanged: every vector gets one more feature, 1 at padding, whose weights
    shut the input gate and open the forget gate.
    """
    hidden = layer.hidden_size
    signal = states.new_zeros(4 * hidden, 1)
    signal[:hidden] = _SHUT
    signal[hidden : 2 * hidden] = _OPEN
    w, u, b, d = layer.all_weights[0]
    inputs = torch.cat([states, (~mask)[..., None].to(states.dtype)], dim=-1)
    zeros = states.new_zeros(1, len(states), hidden)
    weights = [torch.cat([w, signal.to(w.dtype)], dim=1), u, b, d]

    def call(inputs: Tensor, zeros: Tensor) -> tuple[Tensor, ...]:
        begin = (zeros, zeros)
        return torch.lstm(inputs, begin, weights, True, 1, 0.0, layer.training, False, True)

    outputs, _, cells = run_fused(layer, inputs, zeros, call=call)
    return outputs, cells[0]
