"""Base of encoders made of self-attention layers: `transformer` and `bert`."""

from typing import Any, cast

from torch import Tensor, nn

from munjang.layers.attention import visible_keys
from munjang.layers.blocks import Block
from munjang.layers.fast.dropout import Dropout
from munjang.layers.pooling import Pooling
from munjang.layers.position import rotary_tables
from munjang.models.attention_weights import AttentionWeights
from munjang.models.encoder import Bag, EncoderOutput, WideEncoder, append_bag


class SelfAttentionEncoder(WideEncoder):
    """Self-attention layers over token vectors, pooled over real tokens.

    A subclass implements `_states`, and creates the attributes.

    Attributes:
        blocks: the layers.
        rotary_dim: width of a head with rotary positions, else None.
        pooling: pools the states.
        dropout: of the pooled vector.
    """

    blocks: nn.ModuleList
    rotary_dim: int | None = None
    pooling: Pooling
    dropout: Dropout

    def _states(
        self, vectors: Tensor, mask: Tensor, layers: list[AttentionWeights] | None = None
    ) -> Tensor:
        raise NotImplementedError

    def _encode(
        self,
        vectors: Tensor,
        mask: Tensor,
        bag: Bag,
        *,
        layers: list[AttentionWeights] | None = None,
        **options: Any,
    ) -> EncoderOutput:
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
        states = self._states(vectors, mask, layers)
        pooled, attention = self.pooling(states, mask)
        pooled = append_bag(self.dropout(self._transform(pooled)), bag)
        return EncoderOutput(pooled, mask=mask, states=states, attention=attention)

    def _transform(self, pooled: Tensor) -> Tensor:
        """Return the pooled vector as it is."""
        return pooled

    def forward_with_attention(
        self, ids: Tensor, mask: Tensor
    ) -> tuple[EncoderOutput, list[AttentionWeights]]:
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
