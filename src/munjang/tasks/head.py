"""The linear head that every task puts on its encoder."""

from typing import Any

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """An encoder and a linear layer: what the encoder takes, to logits [batch, outputs].

    Attributes:
        beside: another model of the same inputs, or None. In training the network learns alone;
            after that, the logits are the mean of both, weighted by `share`.
        share: of `beside`, 0 <= share < 1.
    """

    beside: nn.Module | None

    def __init__(self, encoder: Any, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.pooled_dim, outputs)
        self.beside = None
        self.share = 0.0

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits [batch, outputs]."""
        logits: Tensor = self.head(self.encoder(*inputs).pooled)
        if self.training or self.beside is None:
            return logits
        return torch.lerp(logits, self.beside(*inputs), self.share)
