"""Transformer encoder-decoder (Vaswani et al. 2017)."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from munjang.export.hf.modelling.base import Tokens
from munjang.export.hf.modelling.blocks import Block, visible_keys
from munjang.export.hf.modelling.positions import make_positions


class CrossAttention(nn.Module):
    """Multi-head attention from one text to another."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.dim, config.dim, bias=False)
        self.in_proj = nn.Linear(config.dim, 2 * config.dim, bias=False)
        self.out_proj = nn.Linear(config.dim, config.dim, bias=False)

    def forward(self, x: Tensor, source: Tensor, visible: Tensor) -> Tensor:
        """Return [batch, time, dim] of `x` [batch, time, dim] and `source` [batch, ..., dim]."""
        q = self.query(x).view(*x.shape[:2], self.heads, -1).transpose(1, 2)
        parts = self.in_proj(source).view(*source.shape[:2], 2, self.heads, -1)
        k, v = parts.permute(2, 0, 3, 1, 4)  # each [batch, heads, source time, dim / heads]
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        return self.out_proj(heads.transpose(1, 2).flatten(2))


class DecoderBlock(Block):
    """Causal self-attention, cross-attention to the source, and feed-forward sublayers."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.cross_norm = nn.LayerNorm(config.dim)
        self.cross = CrossAttention(config)

    def decode(self, x: Tensor, source: Tensor, visible: Tensor) -> Tensor:
        """Return the new states [batch, time, dim]."""
        x = self.residual(x, self.attention_norm, lambda x: self.attention(x, None, causal=True))
        x = self.residual(x, self.cross_norm, lambda x: self.cross(x, source, visible))
        return self.residual(x, self.feed_forward_norm, self.feed_forward)


class EncoderDecoder(nn.Module):
    """Self-attention layers over the source, and decoder layers that attend to it."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.source_positions = make_positions(config)
        self.target_positions = make_positions(config)
        self.encoder = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.decoder = nn.ModuleList(DecoderBlock(config) for _ in range(config.decoder_layers))
        # layers with the norm behind return normalized states already
        final_norm = nn.LayerNorm if config.norm == "pre" else nn.Identity
        self.encoder_norm = final_norm(config.dim)
        self.decoder_norm = final_norm(config.dim)

    def encode(self, vectors: Tensor, tokens: Tokens) -> dict[str, Tensor]:
        """Return one state per token of the source."""
        x, visible = vectors, visible_keys(tokens.mask)
        if self.source_positions is not None:
            x = self.source_positions(x, tokens.lengths)
        for block in self.encoder:
            x = block(x, visible)
        return {"last_hidden_state": self.encoder_norm(x)}

    def decode(self, vectors: Tensor, source: Any) -> Tensor:
        """Return states [batch, time, dim] of decoder inputs [batch, time, dim]."""
        x, visible = vectors, visible_keys(source.mask)
        if self.target_positions is not None:
            x = self.target_positions(x)
        for block in self.decoder:
            x = block.decode(x, source.last_hidden_state, visible)
        return self.decoder_norm(x)
