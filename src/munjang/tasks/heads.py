"""Heads of encoders, deep ensembles, and ensembles with a linear model."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """An encoder and a linear layer on its pooled vector."""

    def __init__(self, encoder: Any, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.pooled_dim, outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return logits [batch, outputs]."""
        return self.head(self.encoder(*inputs).pooled)  # type: ignore[no-any-return]


class Ensemble(nn.Module):
    """A deep ensemble: networks that learn from the same batches, with averaged logits.

    "Simple and scalable predictive uncertainty estimation using deep ensembles" (Lakshminarayanan
    et al. 2017). Initial weights and dropout masks differ, so that their errors do.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, *inputs: Tensor) -> Tensor | list[Tensor]:
        """Return the mean logits [batch, outputs]; in training a list with the logits of each."""
        logits = [network(*inputs) for network in self.networks]
        return logits if self.training else torch.stack(logits).mean(0)


class LinearEnsemble(nn.Module):
    """A network and a linear model of the same inputs, whose logits are averaged in evaluation.

    Args:
        network: trained as it would be alone.
        linear: a fitted model, which is not trained further.
        linear_weight: weight w of its logits, 0 <= w < 1: (1 - w) network + w linear.
    """

    def __init__(self, network: nn.Module, linear: nn.Module, linear_weight: float) -> None:
        super().__init__()
        self.network = network
        self.linear = linear
        self.linear_weight = linear_weight

    def forward(self, *inputs: Tensor) -> Tensor | list[Tensor]:
        """Return the weighted mean logits [batch, outputs]; in training the output of `network`."""
        logits = self.network(*inputs)
        if self.training:
            return logits  # type: ignore[no-any-return]
        return torch.lerp(logits, self.linear(*inputs), self.linear_weight)


def find_encoders(network: nn.Module) -> list[Any]:
    """Return the encoder of every head in `network`, in their order."""
    return [module.encoder for module in network.modules() if isinstance(module, Head)]
