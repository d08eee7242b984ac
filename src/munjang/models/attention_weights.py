"""Attention weights as a capability: a model has `forward_with_attention`, or it has not."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from torch import Tensor

AttentionKind = Literal["cross", "source", "target", "pooling"]


@dataclass(frozen=True)
class AttentionWeights:
    """The weights of one attention layer over one batch.

    Attributes:
        kind: `source` (source tokens on source tokens), `target` (target tokens on the target
            tokens before them), `cross` (target tokens on source tokens), or `pooling` (the vector
            of the whole text on its tokens: one head, one query).
        layer: from 0, the lowest.
        weights: [batch, heads, queries, keys]; the weights of a real query sum to 1, and are 0 at
            padding and at later positions.
    """

    kind: AttentionKind
    layer: int
    weights: Tensor


@runtime_checkable
class Attends(Protocol):
    """An encoder or encoder-decoder that can return its attention weights."""

    def forward_with_attention(self, *inputs: Tensor) -> tuple[Any, list[AttentionWeights]]:
        """Return what `forward` returns for the same inputs, and the weights of every layer.

        An encoder takes `ids`, `mask`; an encoder-decoder `source`, `source_mask`, `given`,
        `decoder_mask`, as in teacher forcing.
        """
        ...
