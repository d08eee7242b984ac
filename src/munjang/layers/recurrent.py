"""Recurrent layers over right-padded rows, without packing.

Rows of one batch are of nearly equal length, so the few padded steps cost less than packing does.
The forward direction never sees padding before a real token; the backward direction runs on rows
reversed within their own length. So padding changes no state at a real position.
"""

import torch
from torch import Tensor, nn

from munjang.layers.dropout import Dropout
from munjang.layers.masking import reverse_rows


class StackedLSTM(nn.Module):
    """LSTM layers: [batch, time, dim] to [batch, time, hidden x directions].

    The step is that of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al.
    (2000), as `nn.LSTM` computes it.

    Args:
        dim: width of an input vector.
        hidden: width of one direction's hidden state.
        layers: how many layers stand on one another.
        directions: 1 (left to right) or 2.
        dropout: share of numbers dropped between layers in training.
    """

    def __init__(
        self, dim: int, hidden: int, *, layers: int = 1, directions: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        widths = [dim] + [hidden * directions] * (layers - 1)
        self.forwards = nn.ModuleList(nn.LSTM(w, hidden, batch_first=True) for w in widths)
        self.backwards = nn.ModuleList(
            nn.LSTM(w, hidden, batch_first=True) for w in widths if directions == 2
        )
        self.dropout = Dropout(dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """`states` [batch, time, dim] and `mask` [batch, time] to hidden states at every place."""
        for layer, ahead in enumerate(self.forwards):
            below = states if layer == 0 else self.dropout(states)
            states, _ = ahead(below)
            if self.backwards:
                back, _ = self.backwards[layer](reverse_rows(below, mask))
                states = torch.cat([states, reverse_rows(back, mask)], dim=-1)
        return states
