"""Recurrent layers, left to right, that begin in a state and return the state at the end."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.fused_recurrent import run_fused
from munjang.layers.recurrent import FUSED, Cell, input_dims


class CarriedRecurrent(nn.Module):
    """Stacked layers of one cell: [batch, time, dim] to [batch, time, hidden].

    `munjang.layers.cells` has the formula of each cell.

    Args:
        cell: rnn, lstm or gru.
        dim: width of an input vector.
        hidden: width of a hidden state.
        layers: number of stacked layers.
        dropout: dropout rate between layers.
    """

    def __init__(
        self, cell: Cell, dim: int, hidden: int, *, layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.parts = 2 if cell == "lstm" else 1
        self.forwards = nn.ModuleList(
            FUSED[cell](width, hidden, batch_first=True)
            for width in input_dims(dim, hidden, layers)
        )
        self.dropout = Dropout(dropout)

    def zero_state(self, rows: int) -> Tensor:
        """Return the state before the first token, [rows, layers, parts, hidden]."""
        weight = next(self.parameters())
        return weight.new_zeros(rows, len(self.forwards), self.parts, self.hidden)

    def forward(self, vectors: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the hidden states of the highest layer, and the state at the end.

        Args:
            vectors: [batch, time, dim].
            state: before the first token, [batch, layers, parts, hidden]: the hidden state and,
                for lstm, the memory cell.

        Returns:
            [batch, time, hidden], and [batch, layers, parts, hidden].
        """
        ends = []
        for number, layer in enumerate(self.forwards):
            below = vectors if number == 0 else self.dropout(vectors)
            first = [part[None].contiguous() for part in state[:, number].unbind(1)]
            vectors, end = run_fused(layer, below, *first, call=partial(_run_from, layer))
            ends.append(torch.stack([part[0] for part in _parts(end)], dim=1))
        return vectors, torch.stack(ends, dim=1)


def _parts(end: Any) -> tuple[Tensor, ...]:
    return end if isinstance(end, tuple) else (end,)


def _run_from(layer: nn.Module, below: Tensor, *first: Tensor) -> tuple[Any, ...]:
    """Run a fused layer from its initial state: a pair for an lstm, else a tensor."""
    outputs: tuple[Any, ...] = layer(below, first if len(first) > 1 else first[0])
    return outputs
