"""Recurrent layers over right-padded rows, without packing.

Rows of one batch are of nearly equal length, so the few padded steps cost less than packing does.
The forward direction never sees padding before a real token; the backward direction runs on rows
reversed within their own length. So padding changes no state at a real position.
"""

from collections.abc import Iterator
from typing import Any, Literal, Self, cast

import torch
from torch import Tensor, nn

from munjang.layers.both_ways import run_both_ways
from munjang.layers.dropout import Dropout
from munjang.layers.ends import run_to_end
from munjang.layers.fast.derived import DerivedWeights
from munjang.layers.fast.gru_row import lay_out_gru, run_gru_row
from munjang.layers.fast.packed_lstm import pack_lstm, run_packed_lstm
from munjang.layers.fused import run_fused
from munjang.layers.masking import is_whole, reverse_rows

Cell = Literal["rnn", "lstm", "gru"]

_FUSED: dict[Cell, type[nn.RNN | nn.LSTM | nn.GRU]] = {
    "rnn": nn.RNN,
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}


def widths_of(lowest: int, above: int, layers: int) -> Iterator[int]:
    """What each layer reads, one after the other: settings may ask for more than there is room."""
    return (above if layer else lowest for layer in range(layers))


class StackedRecurrent(nn.Module):
    """Recurrent layers of one cell: [batch, time, dim] to [batch, time, hidden x directions].

    The step of each cell is written out in `layers/cells.py`.

    Args:
        cell: rnn, lstm or gru.
        dim: width of an input vector.
        hidden: width of one direction's hidden state.
        layers: how many layers stand on one another.
        directions: 1 (left to right) or 2.
        dropout: share of numbers dropped between layers in training.
        variational: drop the same numbers at all times of a row (Gal and Ghahramani 2016).
    """

    def __init__(
        self,
        cell: Cell,
        dim: int,
        hidden: int,
        *,
        layers: int = 1,
        directions: int = 2,
        dropout: float = 0.0,
        variational: bool = True,
    ) -> None:
        super().__init__()
        fused = _FUSED[cell]
        above = hidden * directions
        self.forwards = nn.ModuleList(
            fused(w, hidden, batch_first=True) for w in widths_of(dim, above, layers)
        )
        self.backwards = nn.ModuleList(
            fused(w, hidden, batch_first=True)
            for w in widths_of(dim, above, layers if directions == 2 else 0)
        )
        self.dropout = Dropout(dropout, over_time=variational)
        self._derived: list[DerivedWeights[Any]] = [DerivedWeights() for _ in self.backwards]

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """`states` [batch, time, dim] and `mask` [batch, time] to hidden states at every place."""
        # no padding to reverse around, and nothing that learns or computes in another precision
        alike = bool(self.backwards) and not torch.is_grad_enabled() and is_whole(mask)
        alike = alike and not torch.is_autocast_enabled(states.device.type)
        for layer, ahead in enumerate(self.forwards):
            below = states if layer == 0 else self.dropout(states)
            if alike:
                states = self._both_ways(layer, below)
                continue
            states, _ = run_fused(ahead, below)
            if self.backwards:
                back, _ = run_fused(self.backwards[layer], reverse_rows(below, mask))
                states = torch.cat([states, reverse_rows(back, mask)], dim=-1)
        return states

    def train(self, mode: bool = True) -> Self:
        """Set the mode; weights laid out for answers do not outlast a training step."""
        if mode:
            for derived in self._derived:
                derived.clear()
        return super().train(mode)

    def _both_ways(self, layer: int, below: Tensor) -> Tensor:
        ahead = cast(nn.RNNBase, self.forwards[layer])
        back = cast(nn.RNNBase, self.backwards[layer])
        is_row = len(below) == 1 and below.device.type == "cpu" and below.dtype == torch.float32
        if is_row and not self.training:
            # in the order of `all_weights`, which takes ten times as long to ask
            weights = (*ahead._parameters.values(), *back._parameters.values())
            if isinstance(ahead, nn.GRU):
                return run_gru_row(self._derived[layer].get(weights, lay_out_gru), below[0])
            if isinstance(ahead, nn.LSTM):
                packed = self._derived[layer].get(weights, pack_lstm)
                if packed is not None:
                    return run_packed_lstm(packed, below[0])
        return run_both_ways(ahead, back, below)

    def to_end(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, with what every layer remembers when it has read a row to its end.

        Returns:
            Hidden states [batch, time, hidden x directions], and the ends [batch, layers, parts,
            hidden x directions]: parts are the hidden state and, of lstm, the memory cell. Each
            direction's end is where it ended; a row without any real token has zeros.
        """
        ends = []
        for layer, ahead in enumerate(self.forwards):
            below = states if layer == 0 else self.dropout(states)
            states, end = run_to_end(ahead, below, mask)
            if self.backwards:
                back, other = run_to_end(self.backwards[layer], reverse_rows(below, mask), mask)
                states = torch.cat([states, reverse_rows(back, mask)], dim=-1)
                end = torch.cat([end, other], dim=-1)
            ends.append(end)
        return states, torch.stack(ends, dim=1)
