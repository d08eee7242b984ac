"""Dropout with cheap random numbers on a CPU."""

import torch
from torch import Tensor, nn

from munjang.layers.randomness import current_generator


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014): zero a fraction of elements in training, scale up the rest.

    PyTorch draws one random number per element; on a CPU that can cost more than the layer. Here
    one draw of 64 bits gives eight bytes, so the rate is a multiple of 1/256, and the scale is
    exact for that rate.

    Args:
        rate: probability that an element is dropped, 0 <= rate < 1.
        over_time: drop the same features at all time steps of a row of [batch, time, dim], as in
            "A theoretically grounded application of dropout in recurrent neural networks" (Gal
            and Ghahramani 2016).
    """

    def __init__(self, rate: float, *, over_time: bool = False) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"a dropout rate lies in [0, 1), got {rate}")
        self.rate = rate
        self.over_time = over_time
        # never all 256: no element would be left to scale
        self.cut = min(round(rate * 256), 255)

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of `x`, of any shape; return `x` itself when not training."""
        if not self.training or self.cut == 0:
            return x
        dropped_over = x[:, :1] if self.over_time else x
        words = torch.empty((dropped_over.numel() + 7) // 8, dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=current_generator())
        draws = words.view(torch.uint8)[: dropped_over.numel()].view(dropped_over.shape)
        scale = 256 / (256 - self.cut)
        return x * (draws >= self.cut).to(x.dtype).mul_(scale)

    def extra_repr(self) -> str:
        """Return the rate, for `print(module)`."""
        return f"rate={self.rate}" + (", over_time=True" if self.over_time else "")
