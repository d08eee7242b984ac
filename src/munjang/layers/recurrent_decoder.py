"""Recurrent layers of a decoder: over all of a known text at once, or one token at a time.

With teacher forcing and no feeding of earlier outputs, all decoder inputs are known and PyTorch's
fused layers run over all of them. Otherwise the decoder goes step by step; the product of the
inputs with their weights is still computed for all of them at once.
"""

from collections.abc import Sequence
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.cells import Weights, weights_of
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.fused_recurrent import run_fused
from munjang.layers.recurrent import input_dims

GatedCell = Literal["lstm", "gru"]
# per layer its hidden state and, of an lstm, its memory cell: each [rows, hidden]
LayerStates = Sequence[tuple[Tensor, ...]]

_FUSED: dict[GatedCell, type[nn.LSTM | nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}
# tensors in the state of a layer
PARTS: dict[GatedCell, int] = {"lstm": 2, "gru": 1}


class RecurrentDecoder(nn.Module):
    """Stacked recurrent layers, left to right, that begin in a given state.

    Args:
        cell: lstm or gru.
        dim: width of an embedded token.
        hidden: width of a hidden state.
        extra_dim: width of what is concatenated to each embedded token, and known only after the
            step before; 0: nothing.
        layers: number of layers.
        dropout: share of numbers dropped between layers in training, the same at all times of a
            row (Gal and Ghahramani 2016).
    """

    def __init__(
        self,
        cell: GatedCell,
        dim: int,
        hidden: int,
        *,
        extra_dim: int = 0,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.dim = dim
        self.hidden = hidden
        fused = _FUSED[cell]
        self.layers = nn.ModuleList(
            fused(width, hidden, batch_first=True)
            for width in input_dims(dim + extra_dim, hidden, layers)
        )
        self.dropout = Dropout(dropout, over_time=True)

    def forward(self, vectors: Tensor, initial: Tensor) -> Tensor:
        """Compute all steps at once, without extra inputs.

        Args:
            vectors: embedded tokens, [batch, time, dim].
            initial: state of each layer, [batch, layers, parts, hidden].

        Returns:
            Hidden states of the highest layer, [batch, time, hidden].
        """
        states = vectors
        for number, (layer, before) in enumerate(
            zip(self.layers, split_layers(initial), strict=True)
        ):
            first = [part[None].contiguous() for part in before]
            below = states if number == 0 else self.dropout(states)
            states, _ = run_fused(layer, below, *first)
        return states

    def project_inputs(self, vectors: Tensor) -> Tensor:
        """Return W x + b of the lowest layer, [..., dim] to [..., gates x hidden]."""
        lowest = self._weights()[0]
        return F.linear(vectors, lowest.w[:, : self.dim], lowest.b)

    def draw_dropout(self, rows: int, like: Tensor) -> list[Tensor] | None:
        """Draw the factors between layers for all times, each [rows, hidden]; None: no dropout."""
        if not self.training or not self.dropout.cut:
            return None
        ones = like.new_ones(rows, 1, self.hidden)
        return [self.dropout(ones)[:, 0] for _ in self.layers[1:]]

    def step(
        self,
        inputs: Tensor,
        extra: Tensor | None,
        before: LayerStates,
        dropout: list[Tensor] | None = None,
    ) -> LayerStates:
        """Read one token.

        Args:
            inputs: the token, of `project_inputs`: [rows, gates x hidden].
            extra: what is concatenated to the embedded token, [rows, extra_dim]; None: nothing.
            before: states before the token.
            dropout: of `draw_dropout`, the same for all steps.

        Returns:
            States after the token; the highest hidden state is `[-1][0]`.
        """
        layers = self._weights()
        if extra is not None:
            inputs = inputs + F.linear(extra, layers[0].w[:, self.dim :])
        step = _lstm_step if self.cell == "lstm" else _gru_step
        after: list[tuple[Tensor, ...]] = []
        for number, (layer, state) in enumerate(zip(layers, before, strict=True)):
            if number:
                below = after[-1][0] if dropout is None else after[-1][0] * dropout[number - 1]
                inputs = F.linear(below, layer.w, layer.b)
            after.append(step(inputs, F.linear(state[0], layer.u, layer.d), state))
        return after

    def _weights(self) -> list[Weights]:
        return [weights_of(cast(nn.RNNBase, layer)) for layer in self.layers]


def _lstm_step(of_x: Tensor, of_h: Tensor, before: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Compute `layers.cells.lstm_step` from W x + b and U h + d."""
    i, f, g, o = (of_x + of_h).chunk(4, dim=1)
    c = f.sigmoid() * before[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _gru_step(of_x: Tensor, of_h: Tensor, before: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Compute `layers.cells.gru_step` from W x + b and U h + d."""
    (r_x, z_x, n_x), (r_h, z_h, n_h) = of_x.chunk(3, dim=1), of_h.chunk(3, dim=1)
    n = torch.tanh(n_x + (r_x + r_h).sigmoid() * n_h)
    return (n + (z_x + z_h).sigmoid() * (before[0] - n),)


def split_layers(state: Tensor) -> LayerStates:
    """Split [rows, layers, parts, hidden] into the states of each layer."""
    return [layer.unbind(1) for layer in state.unbind(1)]


def stack_layers(states: LayerStates) -> Tensor:
    """Stack the states of each layer to [rows, layers, parts, hidden], as before `split_layers`."""
    return torch.stack([torch.stack(parts, dim=1) for parts in states], dim=1)


class Bridge(nn.Module):
    """Map from an encoder's last state to a decoder's initial state: tanh(W x + b).

    Bahdanau et al. (2015), appendix A.2.2. Every layer and part has its own W.

    Args:
        layers: of encoder and decoder.
        parts: tensors in the state of a layer.
        hidden: width of each, on both sides.
    """

    def __init__(self, layers: int, parts: int, hidden: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers * parts))

    def forward(self, ends: Tensor) -> Tensor:
        """Map [batch, layers, parts, hidden] to the same shape."""
        flat = ends.flatten(1, 2).unbind(1)
        mapped = [linear(end).tanh() for linear, end in zip(self.projections, flat, strict=True)]
        return torch.stack(mapped, dim=1).view_as(ends)
