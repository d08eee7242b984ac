"""An encoder and a linear layer."""

from typing import Any

from torch import Tensor, nn

from munjang.export.hf.modelling.base import Tokens
from munjang.export.hf.modelling.encoder import Encoder


class Head(nn.Module):
    """Logits from the pooled vector of an encoder."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.head = nn.Linear(self.encoder.pooled_dim, config.outputs)

    def forward(self, tokens: Tokens) -> Tensor:
        """Return logits [batch, outputs]."""
        return self.head(self.encoder(tokens)[1])


# Networks that give logits, by their name in config.json.
NETWORKS: dict[str, type[nn.Module]] = {"head": Head}
