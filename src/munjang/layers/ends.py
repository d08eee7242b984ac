"""What a recurrent layer remembers when it has read each row to its own end, without packing."""

import torch
from torch import Tensor, nn

from munjang.layers.fused import run_fused
from munjang.layers.masking import last_state

# What padding says to a gate: so much that its logistic function is 0 or 1 exactly.
_SHUT, _OPEN = -1000.0, 1000.0


def run_to_end(layer: nn.Module, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Run a fused layer over right-padded rows.

    Args:
        layer: `nn.RNN`, `nn.GRU` or `nn.LSTM` of one layer and direction, batch first.
        states: [batch, time, dim].
        mask: [batch, time], True = real token.

    Returns:
        Hidden states [batch, time, hidden], and those behind each row's last real token [batch,
        parts, hidden]: the hidden state and, of `nn.LSTM`, the memory cell. Zeros for a row
        without any real token.
    """
    if isinstance(layer, nn.LSTM):
        hidden, cells = _run_lstm(layer, states, mask)
        return hidden, torch.stack([last_state(hidden, mask), cells], dim=1)
    hidden, _ = run_fused(layer, states)
    return hidden, last_state(hidden, mask)[:, None]


def _run_lstm(layer: nn.LSTM, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden states at all places, and the memory cells [batch, hidden] at the rows' ends.

    The fused layer tells its hidden state at every place, but its memory only behind the last one,
    padding read too. So padding is made to leave it alone: every token has one number more, 1 at
    padding, whose weights shut the input gate and open the forget gate.
    """
    hidden = layer.hidden_size
    signal = states.new_zeros(4 * hidden, 1)
    signal[:hidden] = _SHUT
    signal[hidden : 2 * hidden] = _OPEN
    w, u, b, d = layer.all_weights[0]
    told = torch.cat([states, (~mask)[..., None].to(states.dtype)], dim=-1)
    nothing = states.new_zeros(1, len(states), hidden)
    weights = [torch.cat([w, signal.to(w.dtype)], dim=1), u, b, d]

    def call(told: Tensor, nothing: Tensor) -> tuple[Tensor, ...]:
        begin = (nothing, nothing)
        return torch.lstm(told, begin, weights, True, 1, 0.0, layer.training, False, True)

    outputs, _, cells = run_fused(layer, told, nothing, call=call)
    return outputs, cells[0]
