"""Interface of an encoder, for which that of the model stands in."""

from typing import Any

from torch import Tensor, nn

from munjang.export.hf.modelling.base import Tokens


class Encoder(nn.Module):
    """Tokens to one state per token, and to one pooled vector per row.

    Attributes:
        states_dim: width of a state.
        pooled_dim: width of a pooled vector.

    Args:
        config: content of config.json.
    """

    embedding: Any
    states_dim: int
    pooled_dim: int

    def __init__(self, config: Any) -> None:
        super().__init__()

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Return states [batch, time, states_dim] and pooled vectors [batch, pooled_dim]."""
        raise NotImplementedError
