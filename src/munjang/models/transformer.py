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
from munjang.layers.embedding import hashed_row
from munjang.layers.pooling import Pooling
from munjang.layers.position import (
    Positions,
    added_positions,
    turns,
)
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

    def forward(self, ids: Tensor, mask: Tensor, *, look_into: int | None = None) -> Encoded:
        """`ids`, `mask` [batch, time] to `states` [batch, time, dim] and `pooled`.

        Args:
            ids: token ids.
            mask: True = real token.
            look_into: number of the layer (-1 = the last) whose weights to give as `attention`
                [batch, heads, time, time]: row i is how much token i takes from each other, in all
                1; zeros at padding. None gives those of the pooling, if it has any, and is faster.

        Raises:
            IndexError: there is no such layer.
            ValueError: a text is longer than learned positions know.
        """
        row = hashed_row(ids, mask, self.embedding, self.bag)
        states = self.embedding(ids, mask, row)
        if self.positions is not None:
            states = self.positions(states, mask)
        states, attention = self._layers(self.embedding_dropout(states), mask, look_into)
        states = self.norm(states)
        pooled, seen = self.pooling(states, mask)
        pooled = beside(self.dropout(pooled), self.bag, ids, mask, row)
        return Encoded(
            pooled, mask=mask, states=states, attention=seen if attention is None else attention
        )

    def _layers(
        self, states: Tensor, mask: Tensor, look_into: int | None
    ) -> tuple[Tensor, Tensor | None]:
        blocks = cast(list[Block], list(self.blocks))
        looked = None if look_into is None else blocks[look_into]
        visible, attention = visible_keys(mask), None
        width = self.turned_width
        turned = None if width is None else turns(states.shape[1], width, states)
        for block in blocks:
            if block is looked:
                states, weights = block.written_out(states, visible, turned)
                attention = weights.masked_fill(~mask[:, None, :, None], 0.0)
            else:
                states = block(states, visible, turned)
        return states, attention
