"""Dropout whose random numbers are cheap on a CPU."""

import torch
from torch import Tensor, nn

from munjang.layers.randomness import generator


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014): zero a share of numbers in training, scale up the rest.

    PyTorch draws one random number an element in sequence; on a CPU that can cost more than the
    layer. One draw of 64 bits gives eight bytes here, so the share is a multiple of 1/256, and the
    scale is exact for that share.

    Args:
        share: probability that a number is dropped, 0 <= share < 1.
        over_time: drop the same numbers at all times of a row of [batch, time, dim], as in
            "A theoretically grounded application of dropout in recurrent neural networks" (Gal
            and Ghahramani 2016).
    """

    def __init__(self, share: float, *, over_time: bool = False) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"a dropout share lies in [0, 1), got {share}")
        self.share = share
        self.over_time = over_time
        # never all 256: there would be nothing left to scale
        self.cut = min(round(share * 256), 255)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape; the same `x` when not training."""
        if not self.training or self.cut == 0:
            return x
        drawn = x[:, :1] if self.over_time else x
        words = torch.empty((drawn.numel() + 7) // 8, dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=generator())
        draws = words.view(torch.uint8)[: drawn.numel()].view(drawn.shape)
        scale = 256 / (256 - self.cut)
        return x * (draws >= self.cut).to(x.dtype).mul_(scale)

    def extra_repr(self) -> str:
        """The share, as `print(module)` shows it."""
        return f"share={self.share}" + (", over_time=True" if self.over_time else "")
