"""Attention instead of a memory: every token looks at every other, in layers.

Papers: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020), "On layer
normalization in the Transformer architecture", for the norm before each part. Use when what
belongs together stands apart, or to see which token looks at which. Use `lstm` instead when texts
are few, `cnn` when short patterns decide.
"""

from typing import Literal, Self, cast

from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, LONGEST, WIDEST
from munjang.layers.activations import Activation
from munjang.layers.attention import visible_keys
from munjang.layers.blocks import Block
from munjang.layers.dropout import Dropout
from munjang.layers.embedding import STD
from munjang.layers.pooling import Pooling
from munjang.layers.position import (
    Positions,
    Turns,
    added_positions,
    turns,
)
from munjang.models.attention_weights import AttentionWeights
from munjang.models.encoder import (
    Encoded,
    PoolingNames,
    WideConfig,
    bag_embedding,
    beside,
    pooling_field,
    token_embedding,
)
from munjang.models.heads import check_heads
from munjang.models.shares import DropoutShare


class TransformerConfig(WideConfig):
    """Settings of `transformer`."""

    name: Literal["transformer"] = "transformer"
    layers: int = Field(2, ge=1, le=DEEPEST, description="layers on one another")
    heads: int = Field(4, ge=1, le=1024, description="ways to look, side by side; they share dim")
    feed_forward: int | None = Field(
        None,
        ge=1,
        le=4 * WIDEST,
        description="width inside the feed-forward parts; 4 x dim when left out",
    )
    activation: Activation = Field("gelu", description="inside the feed-forward parts")
    positions: Positions = Field(
        "rotary", description="how a place is told: sinusoidal, learned, rotary"
    )
    longest: int = Field(512, ge=1, le=LONGEST, description="places that learned positions know")
    pooling: PoolingNames = pooling_field()
    embedding_dropout: DropoutShare = Field(0.1, description="dropped share of the embedding")
    dropout: DropoutShare = Field(
        0.1, description="of what each part adds, and of the pooled vector"
    )

    @model_validator(mode="after")
    def _heads_share_dim(self) -> Self:
        check_heads(self.dim, self.heads, self.positions)
        return self

    @property
    def most_tokens(self) -> int | None:
        """Learned positions end with `longest`."""
        return self.longest if self.positions == "learned" else None


class Transformer(nn.Module):
    """Layers of attention over token vectors and their places, pooled over real tokens only."""

    def __init__(self, config: TransformerConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = token_embedding(config, vocabulary_size)
        self.bag = bag_embedding(config, vocabulary_size)
        self.positions = added_positions(config.positions, config.longest, config.dim, scale=STD)
        self.turned_width = config.dim // config.heads if config.positions == "rotary" else None
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.blocks = nn.ModuleList(
            Block(
                config.dim,
                config.heads,
                inner=config.feed_forward or 4 * config.dim,
                inside=config.activation,
                dropout=config.dropout,
            )
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.pooling = Pooling(config.pooling, config.dim)
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Encode `ids`, `mask` [batch, time] as `states` [batch, time, dim] and `pooled`.

        Where `attention` pools, its weights [batch, 1, 1, time] are `attention`.

        Raises:
            ValueError: a text is longer than learned positions know.
        """
        states, visible, turned = self._embed(ids, mask)
        for block in self._blocks:
            states = block(states, visible, turned)
        return self._pool(states, ids, mask)

    def forward_with_attention(
        self, ids: Tensor, mask: Tensor
    ) -> tuple[Encoded, list[AttentionWeights]]:
        """Encode as `forward` does, with the weights of every layer [batch, heads, time, time].

        Row i is how much token i takes from each token; padded rows are zeros. The weights of the
        pooling come last, if it has any. Slower than `forward`.
        """
        states, visible, turned = self._embed(ids, mask)
        found: list[AttentionWeights] = []
        for layer, block in enumerate(self._blocks):
            states, weights = block.written_out(states, visible, turned)
            weights = weights.masked_fill(~mask[:, None, :, None], 0.0)
            found.append(AttentionWeights("source", layer, weights))
        encoded = self._pool(states, ids, mask)
        if encoded.attention is not None:
            found.append(AttentionWeights("pooling", 0, encoded.attention))
        return encoded, found

    @property
    def _blocks(self) -> list[Block]:
        return cast(list[Block], list(self.blocks))

    def _embed(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None, Turns | None]:
        """The states before the first layer, the visible keys, and the rotary angles."""
        states = self.embedding(ids, mask)
        if self.positions is not None:
            states = self.positions(states, mask)
        states = self.embedding_dropout(states)
        width = self.turned_width
        turned = None if width is None else turns(states.shape[1], width, states)
        return states, visible_keys(mask), turned

    def _pool(self, states: Tensor, ids: Tensor, mask: Tensor) -> Encoded:
        """The states after the last layer, normed and pooled."""
        states = self.norm(states)
        pooled, attention = self.pooling(states, mask)
        pooled = beside(self.dropout(pooled), self.bag, ids, mask)
        return Encoded(pooled, mask=mask, states=states, attention=attention)
