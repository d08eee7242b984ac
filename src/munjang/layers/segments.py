"""Segment embeddings: which text of a row a token belongs to (Devlin et al. 2018)."""

import torch
from torch import Tensor, nn

from munjang.text.vocabulary import EOS


class SegmentEmbedding(nn.Module):
    """One learned vector per segment.

    The segment of a token is the number of EOS before it in its row; the last segment has all that
    follow.

    Args:
        segments: number of segments.
        dim: width of a vector.
    """

    def __init__(self, segments: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.weight = nn.Parameter(torch.empty(segments, dim).normal_(std=0.02))

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors [batch, time, dim] of the segments of `ids` [batch, time]."""
        ends = ids == EOS
        numbers = (ends.cumsum(1) - ends.long()).clamp_(max=len(self.weight) - 1)
        return self.weight[numbers]
