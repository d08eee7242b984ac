"""One encoder that reads two texts apart, and compares their vectors.

Conneau et al. (2017), "Supervised learning of universal sentence representations from natural
language inference data"; Mou et al. (2016). With u and v the pooled vectors of the two texts:

    [u, v, |u - v|, u * v, cos(u, v)]

The head on it answers. Both texts have the same weights ("siamese"). An encoder that reads both
texts in one row compares their tokens instead, which takes attention, and much more data.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.models.encoder import EncoderOutput


class PairEncoder(nn.Module):
    """An encoder, applied to both texts of a row.

    Args:
        encoder: takes ids and mask [batch, time], and pools to [batch, dim].

    Attributes:
        pooled_dim: 4 x dim + 1.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooled_dim = 4 * encoder.pooled_dim + 1

    def forward(
        self, first: Tensor, first_mask: Tensor, second: Tensor, second_mask: Tensor
    ) -> EncoderOutput:
        """Return the comparison of both texts as the pooled vector, [batch, 4 x dim + 1].

        Args:
            first: ids of the first texts, [batch, first time].
            first_mask: True = real token, [batch, first time].
            second: ids of the second texts, [batch, second time].
            second_mask: True = real token, [batch, second time].
        """
        u = self.encoder(first, first_mask).pooled
        v = self.encoder(second, second_mask).pooled
        cosine = F.cosine_similarity(u, v, dim=1, eps=1e-6)[:, None]
        return EncoderOutput(
            torch.cat([u, v, (u - v).abs(), u * v, cosine], dim=1), mask=first_mask
        )
