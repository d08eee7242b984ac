"""The filters of a `cnn`, opened: pre-activations by slot, and their weights in the answer.

The pre-activation of a filter of width h at place i is a sum over its slots, one token each:

    w · x_(i:i+h-1) + b = Σ_k w_k · x_(i+k-left) + b        slot k: the token k of the window

so that the share of each token in it is exact (Jacovi, Sar Shalom and Goldberg 2018, "Understanding
convolutional neural networks for text classification").
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.explain.margins import require_head
from munjang.layers.activations import MONOTONIC
from munjang.layers.fast.convolution import TimeConvolution
from munjang.models.cnn import Cnn
from munjang.tasks.heads import Head


@dataclass(frozen=True)
class FilterBank:
    """All filters of a `cnn`, numbered from 0: those of the first width come first.

    Attributes:
        head: the encoder and its head.
        encoder: in evaluation mode.
    """

    head: Head
    encoder: Cnn

    @property
    def convolutions(self) -> list[TimeConvolution]:
        """The convolutions, one per width."""
        return self.encoder.convolutions.layers()

    @property
    def widths(self) -> list[int]:
        """The width of each filter."""
        return [c.width for c in self.convolutions for _ in range(len(c.bias))]

    def window(self, number: int) -> tuple[int, int]:
        """Return how many tokens before a place a filter's window begins, and its width."""
        before = [(c.left, c.width) for c in self.convolutions for _ in range(len(c.bias))]
        return before[number]

    def embed(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the token vectors [batch, time, dim], zero at padding."""
        vectors: Tensor = self.encoder.token_vectors(ids, mask)
        return vectors.masked_fill(~mask[..., None], 0.0)

    def pre_activations(self, vectors: Tensor) -> Tensor:
        """Return the pre-activations at every place, [batch, time, filters]."""
        return torch.cat([convolve(vectors) for convolve in self.convolutions], dim=-1)

    def slots(self, convolution: TimeConvolution, vectors: Tensor) -> Tensor:
        """Return the share of each slot in a convolution, [batch, time, filters, width].

        Their sum and the bias are the pre-activation.
        """
        time, left = vectors.shape[1], convolution.left
        padded = F.pad(vectors, (0, 0, left, convolution.width - 1 - left))
        parts = [padded[:, k : k + time] @ w for k, w in enumerate(convolution.weight)]
        return torch.stack(parts, dim=-1)

    def features(self, maxima: Tensor) -> Tensor:
        """Return what the head reads of maxima of pre-activations, [batch, filters]."""
        activated: Tensor = self.encoder.activation(maxima)
        return activated

    def weights(self, pooled: Tensor) -> Tensor:
        """Return the weight of each filter's maximum in each output, [outputs, filters].

        Of a linear head its weights; else the mean gradient over rows.

        Args:
            pooled: vectors that the head reads, [rows, pooled dim].
        """
        names, count = self.encoder.pooling.names, self.encoder.states_dim
        first = names.index("max") * count
        own: Any = self.head.head
        if isinstance(own, nn.Linear):
            return own.weight.detach()[:, first : first + count]
        with torch.inference_mode(False), torch.enable_grad():
            inputs = pooled.clone().requires_grad_()
            outputs = own(inputs).mean(0)
            rows = [torch.autograd.grad(o, inputs, retain_graph=True)[0].sum(0) for o in outputs]
        return torch.stack(rows)[:, first : first + count]


def open_filters(network: nn.Module) -> FilterBank:
    """Return the filters of a network; of several members those of the first.

    Args:
        network: in evaluation mode.

    Raises:
        ConfigError: it is no `cnn`, or does not answer by the maxima of its filters.
    """
    head = require_head(network)
    encoder = head.encoder
    if not isinstance(encoder, Cnn):
        kind = type(encoder).__name__.lower()
        raise ConfigError(f"this model ({kind}) has no filters to show; cnn has")
    if "max" not in encoder.pooling.names:
        raise ConfigError(
            f"filters are shown by their maximum over the text, and model.pooling is "
            f"{'+'.join(encoder.pooling.names)}; train with --set model.pooling=max"
        )
    if not encoder.is_monotonic:
        raise ConfigError(
            "filters are shown by their largest pre-activation, and model.activation is not "
            f"monotonic; train with one of {', '.join(sorted(MONOTONIC))}"
        )
    return FilterBank(head, encoder)


def leading_outputs(logits: Tensor) -> tuple[int, int | None]:
    """Return the outputs whose difference is the margin of a row of `logits` [outputs].

    The highest and the second; 0 and None of a single output.
    """
    if len(logits) == 1:
        return 0, None
    first, second = logits.topk(2).indices.tolist()
    return first, second
