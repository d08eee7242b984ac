"""Transformer encoder: stacked self-attention layers.

Papers: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020), "On layer
normalization in the Transformer architecture", for the norm before each sublayer. Use if
related words are far apart, or to see which token attends to which. Use `lstm` instead if texts are
few, `cnn` if short patterns decide.
"""

from typing import Any, Literal, Self, cast

from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, LONGEST, WIDEST
from munjang.layers.activations import Activation
from munjang.layers.attention import visible_keys
from munjang.layers.blocks import Block
from munjang.layers.embedding import STD
from munjang.layers.fast.dropout import Dropout
from munjang.layers.pooling import Pooling
from munjang.layers.position import Positions, make_positions, rotary_tables
from munjang.models.attention_weights import AttentionWeights
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder import (
    Bag,
    Encoded,
    PoolingNames,
    WideConfig,
    WideEncoder,
    append_bag,
    pooling_field,
)
from munjang.models.heads import check_heads


class TransformerConfig(WideConfig):
    """Settings of `transformer`."""

    name: Literal["transformer"] = "transformer"
    layers: int = Field(2, ge=1, le=DEEPEST, description="number of stacked layers")
    heads: int = Field(4, ge=1, le=1024, description="number of attention heads; must divide dim")
    feed_forward_dim: int | None = Field(
        None,
        ge=1,
        le=4 * WIDEST,
        description="hidden width of the feed-forward sublayers; 4 x dim if omitted",
    )
    activation: Activation = Field("gelu", description="activation of the feed-forward sublayers")
    positions: Positions = Field(
        "rotary", description="position encoding: sinusoidal, learned, rotary"
    )
    max_positions: int = Field(
        512, ge=1, le=LONGEST, description="maximum number of tokens with learned positions"
    )
    pooling: PoolingNames = pooling_field()
    embedding_dropout: DropoutRate = Field(0.1, description="dropout rate of the token vectors")
    dropout: DropoutRate = Field(
        0.1, description="dropout rate of each sublayer and of the pooled vector"
    )

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        check_heads(self.dim, self.heads, self.positions)
        return self

    @property
    def most_tokens(self) -> int | None:
        """Maximum number of tokens of a text: `longest` with learned positions, else None."""
        return self.max_positions if self.positions == "learned" else None


class Transformer(WideEncoder):
    """Self-attention layers over token vectors with positions, pooled over real tokens."""

    def __init__(self, config: TransformerConfig, vocabulary_size: int) -> None:
        super().__init__(config, vocabulary_size)
        self.positions = make_positions(
            config.positions, config.max_positions, config.dim, scale=STD
        )
        self.rotary_dim = config.dim // config.heads if config.positions == "rotary" else None
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.blocks = nn.ModuleList(
            Block(
                config.dim,
                config.heads,
                hidden_dim=config.feed_forward_dim or 4 * config.dim,
                activation=config.activation,
                dropout=config.dropout,
            )
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.pooling = Pooling(config.pooling, config.dim)
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim

    def _encode(
        self,
        vectors: Tensor,
        mask: Tensor,
        bag: Bag,
        *,
        layers: list[AttentionWeights] | None = None,
        **options: Any,
    ) -> Encoded:
        """Compute states [batch, time, dim] and the pooled vector.

        Args:
            vectors: token vectors, [batch, time, dim].
            mask: [batch, time], True = real token.
            bag: computes the bag's vector.
            layers: a list that gets the attention weights of every layer, which is slower; None
                computes none of them.
            **options: not used.

        Raises:
            ValueError: a text is longer than learned positions allow.
        """
        if self.positions is not None:
            vectors = self.positions(vectors, mask)
        states = self._run_blocks(self.embedding_dropout(vectors), mask, layers)
        states = self.norm(states)
        pooled, attention = self.pooling(states, mask)
        pooled = append_bag(self.dropout(pooled), bag)
        return Encoded(pooled, mask=mask, states=states, attention=attention)

    def forward_with_attention(
        self, ids: Tensor, mask: Tensor
    ) -> tuple[Encoded, list[AttentionWeights]]:
        """Encode as `forward` does, with the weights of every layer [batch, heads, time, time].

        Row i sums to 1 and holds the weights of query i; rows of padding are zeros. The weights of
        the pooling come last, if it has any.
        """
        layers: list[AttentionWeights] = []
        encoded = self.forward(ids, mask, layers=layers)
        if encoded.attention is not None:
            layers.append(AttentionWeights("pooling", 0, encoded.attention))
        return encoded, layers

    def _run_blocks(
        self, states: Tensor, mask: Tensor, layers: list[AttentionWeights] | None
    ) -> Tensor:
        visible, dim = visible_keys(mask), self.rotary_dim
        rotary = None if dim is None else rotary_tables(states.shape[1], dim, states)
        for number, block in enumerate(cast(list[Block], list(self.blocks))):
            if layers is None:
                states = block(states, visible, rotary)
                continue
            states, weights = block.forward_with_attention(states, visible, rotary)
            weights = weights.masked_fill(~mask[:, None, :, None], 0.0)
            layers.append(AttentionWeights("source", number, weights))
        return states
