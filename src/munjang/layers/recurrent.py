"""Recurrent layers over right-padded rows, without packing.

Rows of a batch have nearly equal lengths, so the few padded steps cost less than packing.
The left-to-right layer never reads padding before a real token; the right-to-left layer reads rows
reversed within their own length. So padding changes no state at a real place.
"""

from collections.abc import Iterator
from typing import Any, Literal, Self, cast

import torch
from torch import Tensor, nn

from munjang.layers.fast.bidirectional import run_bidirectional
from munjang.layers.fast.derived import DerivedWeights
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.final_states import run_with_final_states
from munjang.layers.fast.fused_recurrent import run_fused
from munjang.layers.fast.gru_row import lay_out_gru, run_gru_row
from munjang.layers.fast.packed_lstm import pack_lstm, run_packed_lstm
from munjang.layers.masking import has_no_padding, reverse_rows

Cell = Literal["rnn", "lstm", "gru"]

FUSED: dict[Cell, type[nn.RNN | nn.LSTM | nn.GRU]] = {
    "rnn": nn.RNN,
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}


def input_dims(first: int, others: int, layers: int) -> Iterator[int]:
    """Yield the input width of each layer, lazily: memory may not hold all the layers asked for."""
    return (others if layer else first for layer in range(layers))


class StackedRecurrent(nn.Module):
    """Recurrent layers of one cell: [batch, time, dim] to [batch, time, hidden x directions].

    `munjang.layers.cells` has the formula of each cell.

    Args:
        cell: rnn, lstm or gru.
        dim: width of an input vector.
        hidden: width of the hidden state per direction.
        layers: number of stacked layers.
        directions: 1 (left to right) or 2.
        dropout: dropout rate between layers.
        variational: drop the same features at all time steps of a row (Gal and Ghahramani 2016).
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
        fused = FUSED[cell]
        stacked_dim = hidden * directions
        self.forwards = nn.ModuleList(
            fused(w, hidden, batch_first=True) for w in input_dims(dim, stacked_dim, layers)
        )
        self.backwards = nn.ModuleList(
            fused(w, hidden, batch_first=True)
            for w in input_dims(dim, stacked_dim, layers if directions == 2 else 0)
        )
        self.dropout = Dropout(dropout, over_time=variational)
        self._derived: list[DerivedWeights[Any]] = [DerivedWeights() for _ in self.backwards]

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the hidden states [batch, time, hidden x directions] at every place.

        Args:
            states: [batch, time, dim].
            mask: [batch, time], True = real token.
        """
        # both directions at once: without padding, gradients and autocast
        is_simple = bool(self.backwards) and not torch.is_grad_enabled() and has_no_padding(mask)
        is_simple = is_simple and not torch.is_autocast_enabled(states.device.type)
        for layer, ahead in enumerate(self.forwards):
            below = states if layer == 0 else self.dropout(states)
            if is_simple:
                states = self._bidirectional(layer, below)
                continue
            states, _ = run_fused(ahead, below)
            if self.backwards:
                back, _ = run_fused(self.backwards[layer], reverse_rows(below, mask))
                states = torch.cat([states, reverse_rows(back, mask)], dim=-1)
        return states

    def train(self, mode: bool = True) -> Self:
        """Set the mode; a training mode drops the derived weights."""
        if mode:
            for derived in self._derived:
                derived.clear()
        return super().train(mode)

    def _bidirectional(self, layer: int, below: Tensor) -> Tensor:
        ahead = cast(nn.RNNBase, self.forwards[layer])
        back = cast(nn.RNNBase, self.backwards[layer])
        is_row = len(below) == 1 and below.device.type == "cpu" and below.dtype == torch.float32
        if is_row and not self.training:
            # in the order of `all_weights`, which takes ten times as long
            weights = cast(
                tuple[Tensor, ...], (*ahead._parameters.values(), *back._parameters.values())
            )
            if isinstance(ahead, nn.GRU):
                return run_gru_row(self._derived[layer].get(weights, lay_out_gru), below[0])
            if isinstance(ahead, nn.LSTM):
                packed = self._derived[layer].get(weights, pack_lstm)
                if packed is not None:
                    return run_packed_lstm(packed, below[0])
        return run_bidirectional(ahead, back, below)

    def forward_with_final_states(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Compute `forward`, and the final states of every layer.

        Returns:
            Hidden states [batch, time, hidden x directions], and the final states [batch, layers,
            parts, hidden x directions]: parts are the hidden state and, for lstm, the memory cell.
            Each direction has its own end; a row without any real token has zeros.
        """
        finals = []
        for layer, ahead in enumerate(self.forwards):
            below = states if layer == 0 else self.dropout(states)
            states, final = run_with_final_states(ahead, below, mask)
            if self.backwards:
                back, back_final = run_with_final_states(
                    self.backwards[layer], reverse_rows(below, mask), mask
                )
                states = torch.cat([states, reverse_rows(back, mask)], dim=-1)
                final = torch.cat([final, back_final], dim=-1)
            finals.append(final)
        return states, torch.stack(finals, dim=1)
