"""Interface of the layers of a language model, for which those of the model stand in."""

from typing import Any

from torch import Tensor, nn


class Decoder(nn.Module):
    """Vectors to states, each of which depends on no later token.

    Args:
        config: content of config.json.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()

    def forward(self, vectors: Tensor) -> Tensor:
        """Return states [batch, time, states dim] of `vectors` [batch, time, dim]."""
        raise NotImplementedError
