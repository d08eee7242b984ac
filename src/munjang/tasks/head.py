"""The linear head that every task puts on its encoder."""

from typing import Any

from torch import Tensor, nn


class Head(nn.Module):
    """An encoder and a linear layer: what the encoder takes, to logits [batch, outputs]."""

    def __init__(self, encoder: Any, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.pooled_dim, outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits [batch, outputs]."""
        return self.head(self.encoder(*inputs).pooled)  # type: ignore[no-any-return]
