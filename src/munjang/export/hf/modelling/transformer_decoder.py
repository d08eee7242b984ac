"""Causal self-attention layers of a language model (Radford et al. 2018)."""

from typing import Any

import torch
from torch import Tensor, nn

from munjang.export.hf.modelling.blocks import Block


class Decoder(nn.Module):
    """Causal self-attention layers; a token sees at most `context` tokens, itself included.

    A longer text is read in windows, each begun half a window after the last one; the states of
    their second halves are used, of the first window's both halves:

        window 1   |--------|--------|
        window 2            |--------|--------|
        window 3                     |--------|--------|
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.context = config.context
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return states [batch, time, dim] of `vectors` [batch, time, dim]."""
        half = self.context // 2
        parts = [self.read_window(vectors[:, : self.context])]
        for start in range(half, vectors.shape[1] - half, half):
            parts.append(self.read_window(vectors[:, start : start + self.context])[:, half:])
        return torch.cat(parts, dim=1)

    def read_window(self, x: Tensor) -> Tensor:
        """Return states [batch, time, dim] of up to `context` vectors."""
        for block in self.blocks:
            x = block(x, None, causal=True)
        return self.norm(x)
