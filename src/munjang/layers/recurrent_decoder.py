"""Recurrent layers that say a text: over all of a known one at once, or a token at a time.

While it learns without feeding, a decoder knows every token that it will read, and PyTorch's fused
layers run over all of them. Otherwise it goes step by step; the product of the tokens with their
weights is still made for all of them at once.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.cells import Weights, weights_of
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.fused_recurrent import run_fused
from munjang.layers.recurrent import input_dims

GatedCell = Literal["lstm", "gru"]
# of each layer its hidden state and, of an lstm, its memory cell: each [rows, hidden]
Remembered = Sequence[tuple[Tensor, ...]]

_FUSED: dict[GatedCell, type[nn.LSTM | nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}
PARTS: dict[GatedCell, int] = {"lstm": 2, "gru": 1}


class RecurrentDecoder(nn.Module):
    """Layers of one cell, from left to right, that begin with what they are told.

    Args:
        cell: lstm or gru.
        dim: width of a token's vector.
        hidden: width of a hidden state.
        fed: width of what joins each token's vector, known only when the step before is done; 0 =
            nothing.
        layers: how many layers stand on one another.
        dropout: share of numbers dropped between layers in training, the same at all times of a
            row (Gal and Ghahramani 2016).
    """

    def __init__(
        self,
        cell: GatedCell,
        dim: int,
        hidden: int,
        *,
        fed: int = 0,
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
            for width in input_dims(dim + fed, hidden, layers)
        )
        self.dropout = Dropout(dropout, over_time=True)

    def forward(self, vectors: Tensor, begin: Tensor) -> Tensor:
        """All steps at once, where nothing is fed.

        Args:
            vectors: of the tokens, [batch, time, dim].
            begin: what each layer remembers, [batch, layers, parts, hidden].

        Returns:
            Hidden states of the highest layer, [batch, time, hidden].
        """
        states = vectors
        for number, (layer, remembered) in enumerate(zip(self.layers, opened(begin), strict=True)):
            first = [part[None].contiguous() for part in remembered]
            below = states if number == 0 else self.dropout(states)
            states, _ = run_fused(layer, below, *first, call=partial(_from, layer))
        return states

    def read(self, vectors: Tensor) -> Tensor:
        """What the lowest layer makes of tokens, W x + b: [..., dim] to [..., gates x hidden]."""
        lowest = self._weights()[0]
        return F.linear(vectors, lowest.w[:, : self.dim], lowest.b)

    def drawn(self, rows: int, like: Tensor) -> list[Tensor] | None:
        """Factors [rows, hidden] of the numbers between layers at all times; None: keep all."""
        if not self.training or not self.dropout.cut:
            return None
        ones = like.new_ones(rows, 1, self.hidden)
        return [self.dropout(ones)[:, 0] for _ in self.layers[1:]]

    def step(
        self,
        read: Tensor,
        fed: Tensor | None,
        remembered: Remembered,
        drawn: list[Tensor] | None = None,
    ) -> Remembered:
        """One token more.

        Args:
            read: of the token, by `read`: [rows, gates x hidden].
            fed: what joins it, [rows, fed]; None where nothing does.
            remembered: before the token.
            drawn: by `drawn`, once for all steps.

        Returns:
            What is remembered with the token; the highest hidden state is `[-1][0]`.
        """
        layers = self._weights()
        if fed is not None:
            read = read + F.linear(fed, layers[0].w[:, self.dim :])
        move = _lstm_from if self.cell == "lstm" else _gru_from
        after: list[tuple[Tensor, ...]] = []
        for number, (layer, before) in enumerate(zip(layers, remembered, strict=True)):
            if number:
                below = after[-1][0] if drawn is None else after[-1][0] * drawn[number - 1]
                read = F.linear(below, layer.w, layer.b)
            after.append(move(read, F.linear(before[0], layer.u, layer.d), before))
        return after

    def _weights(self) -> list[Weights]:
        return [weights_of(cast(nn.RNNBase, layer)) for layer in self.layers]


def _from(layer: nn.Module, below: Tensor, *first: Tensor) -> tuple[Any, ...]:
    """Run a fused layer from what it remembers: a pair for an lstm, a tensor for a gru."""
    outputs: tuple[Any, ...] = layer(below, first if len(first) > 1 else first[0])
    return outputs


def _lstm_from(read: Tensor, kept: Tensor, before: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """`layers.cells.lstm_step` from W x + b and U h + d."""
    i, f, g, o = (read + kept).chunk(4, dim=1)
    c = f.sigmoid() * before[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _gru_from(read: Tensor, kept: Tensor, before: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """`layers.cells.gru_step` from W x + b and U h + d."""
    (r, z, n), (of_r, of_z, of_n) = read.chunk(3, dim=1), kept.chunk(3, dim=1)
    n = torch.tanh(n + (r + of_r).sigmoid() * of_n)
    return (n + (z + of_z).sigmoid() * (before[0] - n),)


def opened(state: Tensor) -> Remembered:
    """[rows, layers, parts, hidden] to what each layer remembers."""
    return [layer.unbind(1) for layer in state.unbind(1)]


def closed(remembered: Remembered) -> Tensor:
    """The way back from `opened`."""
    return torch.stack([torch.stack(parts, dim=1) for parts in remembered], dim=1)


class Bridge(nn.Module):
    """From where an encoder ended to where a decoder begins: tanh(W x + b).

    Bahdanau et al. (2015) begin so. Every layer and part has a W of its own.

    Args:
        layers: of encoder and decoder.
        parts: tensors that a layer remembers.
        hidden: width of each, on both sides.
    """

    def __init__(self, layers: int, parts: int, hidden: int) -> None:
        super().__init__()
        self.ways = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers * parts))

    def forward(self, ends: Tensor) -> Tensor:
        """[batch, layers, parts, hidden] to the same shape."""
        flat = ends.flatten(1, 2).unbind(1)
        moved = [way(end).tanh() for way, end in zip(self.ways, flat, strict=True)]
        return torch.stack(moved, dim=1).view_as(ends)
