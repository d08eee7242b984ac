"""Transformer encoder: stacked self-attention layers.

Papers: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020), "On layer
normalization in the Transformer architecture", for the norm before each sublayer. Use if
related words are far apart, or to see which token attends to which. Use `lstm` instead if texts are
few, `cnn` if short patterns decide.
"""

from typing import Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, LONGEST, WIDEST
from munjang.layers.activations import Activation
from munjang.layers.blocks import Block
from munjang.layers.embedding import STD
from munjang.layers.fast.dropout import Dropout
from munjang.layers.parameters import parameters_of
from munjang.layers.pooling import Pooling
from munjang.layers.position import Positions, make_positions
from munjang.models.attention_weights import AttentionWeights
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder import PoolingNames, WideConfig, pooling_field
from munjang.models.heads import check_heads
from munjang.models.self_attention import SelfAttentionEncoder


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
        """Maximum number of tokens of a text: `max_positions` with learned positions, else None."""
        return self.max_positions if self.positions == "learned" else None


class Transformer(SelfAttentionEncoder):
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
        self.states_dim = config.dim
        self.pooling = Pooling(config.pooling, config.dim)
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the embeddings, and of each layer; the norm is in the last."""
        blocks = [parameters_of(block) for block in self.blocks]
        blocks[-1] += parameters_of(self.norm)
        return [parameters_of(self.embedding, self.positions), *blocks]

    def _states(
        self, vectors: Tensor, mask: Tensor, layers: list[AttentionWeights] | None = None
    ) -> Tensor:
        if self.positions is not None:
            vectors = self.positions(vectors, mask)
        states: Tensor = self.norm(self._run_blocks(self.embedding_dropout(vectors), mask, layers))
        return states
