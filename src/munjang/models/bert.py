"""BERT: a Transformer encoder that is pretrained on masked tokens.

Paper: Devlin, Chang, Lee and Toutanova (2018), "BERT: Pre-training of deep bidirectional
Transformers for language understanding". Use it pretrained: on your own texts by the task
`masked_lm`, or with the weights of a checkpoint. Use `transformer` or `cnn` instead if nothing is
pretrained.

    x = Norm(E_token + E_position + E_segment)
    x = Norm(x + Attention(x)),   x = Norm(x + FeedForward(x))        in every layer

A row is [CLS] text [SEP], or [CLS] first [SEP] second [SEP]. [CLS] and [SEP] are the reserved ids
GO and EOS. Parameters, and the places of the norms, are those of the class `BertModel` of Hugging
Face transformers, so that weights go both ways.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from munjang.config import DEEPEST, LONGEST, WIDEST
from munjang.layers.activations import Activation, get_activation
from munjang.layers.blocks import Block
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.ngram_row import HashedRow
from munjang.layers.parameters import parameters_of
from munjang.layers.pooling import Pooling
from munjang.layers.position import LearnedPositions
from munjang.layers.segments import SegmentEmbedding
from munjang.models.attention_weights import AttentionWeights
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder import PoolingNames, WideConfig, pooling_field
from munjang.models.heads import check_heads
from munjang.models.self_attention import SelfAttentionEncoder

# Standard deviation of initial weights (Devlin et al. 2018).
_STD = 0.02


class BertConfig(WideConfig):
    """Settings of `bert`."""

    pooled_parts: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **WideConfig.pooled_parts,
        "pooler": ("pooler",),
    }

    name: Literal["bert"] = "bert"
    dim: int = Field(256, ge=1, le=WIDEST, description="width of token vectors and states")
    layers: int = Field(4, ge=1, le=DEEPEST, description="number of stacked layers")
    heads: int = Field(4, ge=1, le=1024, description="number of attention heads; must divide dim")
    feed_forward_dim: int | None = Field(
        None,
        ge=1,
        le=4 * WIDEST,
        description="hidden width of the feed-forward sublayers; 4 x dim if omitted",
    )
    activation: Activation = Field("gelu", description="activation of the feed-forward sublayers")
    max_positions: int = Field(
        512, ge=1, le=LONGEST, description="maximum number of tokens, [CLS] and [SEP] included"
    )
    segments: int = Field(
        2, ge=1, le=1024, description="number of segment embeddings: one per text of a row"
    )
    norm_eps: float = Field(
        1e-12, gt=0, le=1, description="number added to the variance of layer norms"
    )
    pooling: PoolingNames = pooling_field("mean")
    pooler: bool = Field(
        False, description="a linear layer and tanh on the pooled vector, as Devlin's on [CLS]"
    )
    embedding_dropout: DropoutRate = Field(0.1, description="dropout rate of the token vectors")
    dropout: DropoutRate = Field(
        0.1, description="dropout rate of each sublayer and of the pooled vector"
    )

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        check_heads(self.dim, self.heads, "learned")
        return self

    @property
    def most_tokens(self) -> int:
        """Maximum number of tokens of a row."""
        return self.max_positions


class Bert(SelfAttentionEncoder):
    """Post-norm Transformer layers over token, position and segment embeddings.

    Attributes:
        null_vectors: what stands for "no text" in attributions. The norm of the embeddings makes
            vectors of one size of any, so that a path to zero vectors never comes near them.
    """

    null_vectors: ClassVar[Literal["zero", "oov"]] = "oov"

    def __init__(self, config: BertConfig, vocabulary_size: int) -> None:
        super().__init__(config, vocabulary_size)
        dim = config.dim
        self.segments = SegmentEmbedding(config.segments, dim)
        self.positions = LearnedPositions(config.max_positions, dim)
        # a head on the states shares these
        self.norm_eps = config.norm_eps
        self.head_activation = get_activation(config.activation)
        self.embedding_norm = nn.LayerNorm(dim, eps=config.norm_eps)
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.blocks = nn.ModuleList(
            Block(
                dim,
                config.heads,
                hidden_dim=config.feed_forward_dim or 4 * dim,
                activation=config.activation,
                dropout=config.dropout,
                norm="post",
                norm_eps=config.norm_eps,
                attention_bias=True,
            )
            for _ in range(config.layers)
        )
        self.states_dim = dim
        self.pooling = Pooling(config.pooling, dim)
        self.pooler = nn.Linear(self.pooling.dim, self.pooling.dim) if config.pooler else None
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim
        self._initialize()

    @torch.no_grad()
    def _initialize(self) -> None:
        """Draw all matrices from a normal distribution; biases are zero."""
        self.embedding.weight[1:].normal_(std=_STD)  # PAD stays zero
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=_STD)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of all embeddings with their norm, and of each layer."""
        embeddings = (self.embedding, self.segments, self.positions, self.embedding_norm)
        return [parameters_of(*embeddings), *(parameters_of(block) for block in self.blocks)]

    def token_vectors(self, ids: Tensor, mask: Tensor, row: HashedRow | None = None) -> Tensor:
        """Return the sum of token and segment embeddings, [batch, time, dim]."""
        vectors: Tensor = super().token_vectors(ids, mask, row) + self.segments(ids)
        return vectors

    def _states(
        self, vectors: Tensor, mask: Tensor, layers: list[AttentionWeights] | None = None
    ) -> Tensor:
        states = self.embedding_norm(self.positions(vectors, mask))
        return self._run_blocks(self.embedding_dropout(states), mask, layers)

    def _transform(self, pooled: Tensor) -> Tensor:
        """Return what the pooler makes of the pooled vector."""
        return pooled if self.pooler is None else self.pooler(pooled).tanh()
