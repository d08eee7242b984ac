"""Convolutions of several widths (Kim 2014, "Convolutional neural networks for sentences")."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.export.hf.modelling.activations import ACTIVATIONS
from munjang.export.hf.modelling.base import Tokens
from munjang.export.hf.modelling.text_encoder import TextEncoder


class Encoder(TextEncoder):
    """Filters of several widths over token vectors, pooled over the real tokens."""

    def __init__(self, config: Any) -> None:
        super().__init__(config, config.filters * len(config.kernel_sizes))
        self.widths = config.kernel_sizes
        self.convolutions = nn.ModuleList(
            nn.Conv1d(config.embedding["dim"], config.filters, width) for width in self.widths
        )
        self.activation = ACTIVATIONS[config.activation]

    def states(self, tokens: Tokens) -> Tensor:
        """Return the outputs of all filters at each token, [batch, time, states_dim]."""
        vectors = self.embedding(tokens).transpose(1, 2)  # nn.Conv1d takes [batch, dim, time]
        states = []
        for width, convolution in zip(self.widths, self.convolutions, strict=True):
            padded = F.pad(vectors, ((width - 1) // 2, width // 2))
            states.append(self.activation(convolution(padded).transpose(1, 2)))
        return torch.cat(states, dim=-1)
