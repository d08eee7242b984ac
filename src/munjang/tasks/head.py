"""What stands on encoders: a linear head, several such networks together, another model beside."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """An encoder and a linear layer: what the encoder takes, to logits [batch, outputs]."""

    def __init__(self, encoder: Any, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.pooled_dim, outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits [batch, outputs]."""
        logits: Tensor = self.head(self.encoder(*inputs).pooled)
        return logits


class Members(nn.Module):
    """Networks that learn side by side and answer together: a deep ensemble.

    "Simple and scalable predictive uncertainty estimation using deep ensembles" (Lakshminarayanan
    et al. 2017). They share nothing but the batches; what they begin with and what dropout drops
    is each one's own, so that they err in different places.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, *inputs: Tensor) -> Tensor | list[Tensor]:
        """The mean of all logits, [batch, outputs]; in training each member's own, in a list."""
        logits = [network(*inputs) for network in self.networks]
        return logits if self.training else torch.stack(logits).mean(0)


class Beside(nn.Module):
    """A network, and another model of the same inputs beside it.

    Args:
        network: learns as it would alone.
        other: whose weights are not trained here.
        share: of `other` in the logits of an answer, 0 <= share < 1.
    """

    def __init__(self, network: nn.Module, other: nn.Module, share: float) -> None:
        super().__init__()
        self.network = network
        self.other = other
        self.share = share

    def forward(self, *inputs: Tensor) -> Tensor | list[Tensor]:
        """The weighted mean of both logits, [batch, outputs]; in training what `network` gives."""
        logits: Tensor | list[Tensor] = self.network(*inputs)
        if isinstance(logits, list) or self.training:
            return logits
        return torch.lerp(logits, self.other(*inputs), self.share)


def encoders_of(network: nn.Module) -> list[Any]:
    """The encoder of every head in `network`, in their order."""
    return [module.encoder for module in network.modules() if isinstance(module, Head)]
