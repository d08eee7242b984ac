"""Recurrent layers, left to right, that begin in a state and return the state at the end."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from munjang.layers.cells import weights_of
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.fused_recurrent import run_fused
from munjang.layers.recurrent import FUSED, Cell, input_dims

# One step of each cell. A fused lstm lays its weights out at each call, which takes longer than the
# products of one token: 199 instead of 58 microseconds (1 row, dim 128, hidden 256).
_CELLS: dict[Cell, Callable[..., Any]] = {
    "rnn": torch.rnn_tanh_cell,
    "lstm": torch.lstm_cell,
    "gru": torch.gru_cell,
}


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
        self.cell = cell
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
        if vectors.shape[1] == 1 and _can_step(vectors):
            return self._step(vectors, state)
        ends = []
        for number, layer in enumerate(self.forwards):
            below = vectors if number == 0 else self.dropout(vectors)
            first = [part[None].contiguous() for part in state[:, number].unbind(1)]
            vectors, end = run_fused(layer, below, *first)
            ends.append(torch.stack([part[0] for part in _parts(end)], dim=1))
        return vectors, torch.stack(ends, dim=1)

    def _step(self, vectors: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Compute `forward` for one token per row, without gradients."""
        step, vectors, ends = _CELLS[self.cell], vectors[:, 0], []
        for number, layer in enumerate(self.forwards):
            below = vectors if number == 0 else self.dropout(vectors)
            first = state[:, number].unbind(1)
            end = _parts(step(below, _joined(first), *weights_of(cast(nn.RNNBase, layer))))
            vectors = end[0]
            ends.append(torch.stack(end, dim=1))
        return vectors[:, None], torch.stack(ends, dim=1)


def _can_step(vectors: Tensor) -> bool:
    """Return whether `_CELLS` may be called: they are tried without gradients and in float32."""
    return not torch.is_grad_enabled() and not torch.is_autocast_enabled(vectors.device.type)


def _parts(end: Any) -> tuple[Tensor, ...]:
    return end if isinstance(end, tuple) else (end,)


def _joined(parts: tuple[Tensor, ...]) -> Any:
    """Return the state as PyTorch takes it: a pair for an lstm, else a tensor."""
    return parts if len(parts) > 1 else parts[0]
