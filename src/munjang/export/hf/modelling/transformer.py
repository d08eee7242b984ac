"""Transformer encoder, with the norm before each sublayer (Xiong et al. 2020)."""

from typing import Any

from torch import Tensor, nn

from munjang.export.hf.modelling.base import Tokens
from munjang.export.hf.modelling.blocks import Block, visible_keys
from munjang.export.hf.modelling.positions import make_positions
from munjang.export.hf.modelling.text_encoder import TextEncoder


class Encoder(TextEncoder):
    """Self-attention layers over token vectors with positions, pooled over the real tokens."""

    def __init__(self, config: Any) -> None:
        super().__init__(config, config.dim)
        self.positions = make_positions(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)

    def states(self, tokens: Tokens) -> Tensor:
        """Return one state per token, [batch, time, dim]."""
        x, visible = self.embedding(tokens), visible_keys(tokens.mask)
        if self.positions is not None:
            x = self.positions(x, tokens.lengths)
        for block in self.blocks:
            x = block(x, visible)
        return self.norm(x)
