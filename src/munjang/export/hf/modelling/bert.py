"""BERT: a Transformer encoder with the norm after each sublayer (Devlin et al. 2018)."""

from typing import Any

from torch import Tensor, nn

from munjang.export.hf.modelling.base import EOS, Tokens
from munjang.export.hf.modelling.blocks import Block, visible_keys
from munjang.export.hf.modelling.positions import LearnedPositions
from munjang.export.hf.modelling.text_encoder import TextEncoder


class Encoder(TextEncoder):
    """Self-attention layers over the sum of token, position and segment vectors."""

    def __init__(self, config: Any) -> None:
        super().__init__(config, config.dim)
        eps = config.norm_eps
        self.segments = nn.Embedding(config.segments, config.dim)
        self.positions = LearnedPositions(config.max_positions, config.dim)
        self.embedding_norm = nn.LayerNorm(config.dim, eps=eps)
        self.blocks = nn.ModuleList(
            Block(config, norm_eps=eps, attention_bias=True) for _ in range(config.layers)
        )
        dim = self.pooling.dim
        self.pooler = nn.Linear(dim, dim) if config.pooler else None

    def states(self, tokens: Tokens) -> Tensor:
        """Return one state per token, [batch, time, dim]."""
        ends = tokens.ids == EOS  # the segment of a token is the number of ends before it
        segments = (ends.cumsum(1) - ends.long()).clamp(max=self.segments.num_embeddings - 1)
        x = self.positions(self.embedding(tokens) + self.segments(segments), tokens.lengths)
        x, visible = self.embedding_norm(x), visible_keys(tokens.mask)
        for block in self.blocks:
            x = block(x, visible)
        return x

    def transform(self, pooled: Tensor) -> Tensor:
        """Return tanh(W x + b) of the pooled vectors, if there is such a pooler."""
        return pooled if self.pooler is None else self.pooler(pooled).tanh()
