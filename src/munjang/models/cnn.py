"""Convolutions of several widths with max pooling over time.

Paper: Kim (2014), "Convolutional neural networks for sentence classification". Use if short
patterns decide (sentiment, topics, questions) and a CPU must answer fast. Use `lstm` instead
if early words change the meaning of late ones.
"""

from typing import Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from munjang.config import WIDEST
from munjang.layers.activations import MONOTONIC, Activation, get_activation
from munjang.layers.embedding import combine
from munjang.layers.fast.convolution import Convolutions
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.max_over_time import max_over_time
from munjang.layers.fast.unpadded_maps import has_much_padding, unpadded_maps
from munjang.layers.parameters import parameters_of
from munjang.layers.pooling import Pooling
from munjang.models.dropout_rate import DropoutRate
from munjang.models.encoder import (
    Bag,
    EncoderOutput,
    PoolingNames,
    TokenVectors,
    WideConfig,
    WideEncoder,
    append_bag,
    pooling_field,
)

_MOST_WIDTHS, _WIDEST = 64, 1024
# Of smaller differences the quotient is replaced by the derivative.
_FLAT = 1e-6


class CnnConfig(WideConfig):
    """Settings of `cnn`."""

    name: Literal["cnn"] = "cnn"
    kernel_sizes: tuple[int, ...] = Field((3, 4, 5), description="tokens per filter")
    filters: int = Field(100, ge=1, le=WIDEST, description="filters per width")
    activation: Activation = Field("relu", description="after the convolution")
    pooling: PoolingNames = pooling_field()
    embedding_dropout: DropoutRate = Field(0.2, description="dropout rate of the token vectors")
    dropout: DropoutRate = Field(0.5, description="dropout rate of the pooled vector")

    @field_validator("kernel_sizes")
    @classmethod
    def _check_sizes(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if not sizes or min(sizes) < 1:
            raise ValueError("expected one or more whole numbers from 1 up")
        if len(sizes) > _MOST_WIDTHS or max(sizes) > _WIDEST:
            raise ValueError(f"expected at most {_MOST_WIDTHS} whole numbers up to {_WIDEST}")
        return sizes


class Cnn(WideEncoder):
    """Filters of several widths over token vectors, pooled over real tokens."""

    def __init__(self, config: CnnConfig, vocabulary_size: int) -> None:
        super().__init__(config, vocabulary_size)
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.convolutions = Convolutions(config.dim, config.filters, config.kernel_sizes)
        self.activation = get_activation(config.activation)
        self.states_dim = config.filters * len(config.kernel_sizes)
        self.pooling = Pooling(config.pooling, self.states_dim)
        self.is_monotonic = config.activation in MONOTONIC
        self.can_pool_first = config.pooling == "max" and self.is_monotonic
        self.is_elementwise = config.activation != "softmax"  # which is over the filters of a width
        self.dropout = Dropout(config.dropout)
        self.pooled_dim = self.pooling.dim + config.bag_dim

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the embedding, and of the convolutions."""
        return [parameters_of(self.embedding), parameters_of(self.convolutions)]

    @property
    def can_decompose(self) -> bool:
        """True if each filter is activated by itself."""
        return self.is_elementwise

    def decomposed_pooled(self, vectors: TokenVectors, mask: Tensor) -> Tensor:
        """Return a sum of shares of the tokens; see `munjang.models.given_vectors`.

        A state is act(m) with m = b + the sum of w x over the window. So act(m) - act(b) is
        divided among the tokens of the window by w x, with the factor (act(m) - act(b)) / (m - b):
        the rescale rule of Shrikumar et al. (2017), "Learning important features through
        propagating activation differences". Pooling weighs the states: the maximum has a weight
        of 1.
        """
        maps = torch.cat([convolve(vectors.tokens) for convolve in self.convolutions], dim=-1)
        bias = torch.cat([convolve.bias for convolve in self.convolutions.layers()])
        with torch.no_grad():
            difference = maps - bias
            rise = self.activation(maps) - self.activation(bias)
            is_flat = difference.abs() < _FLAT
            slopes = rise / torch.where(is_flat, torch.ones_like(difference), difference)
            slopes = torch.where(is_flat, self._slope(maps), slopes)
            weights = self.pooling.place_weights(self.activation(maps), mask)
        parts = [(weight * slopes * (maps - bias)).sum(1) for weight in weights]
        bag = vectors.bag
        make_bag = None if bag is None else lambda: combine(bag, mask, "sqrtn")
        return append_bag(torch.cat(parts, dim=1), make_bag)

    def find_maxima(self, vectors: TokenVectors, mask: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the maximum of each filter after activation, and its place, [batch, filters] each.

        Of equal maxima the first place is returned. None unless the pooling is max alone.
        """
        if self.pooling.names != ["max"]:
            return None
        states = self._states(vectors.masked(mask).tokens, mask)
        maxima, places = states.masked_fill(~mask[..., None], -torch.inf).max(1)
        return maxima, places

    def filter_windows(self) -> list[tuple[int, int]]:
        """Return how many tokens before and after its place each filter reads, [filters]."""
        layers = self.convolutions.layers()
        return [
            (layer.left, layer.width - 1 - layer.left)
            for layer in layers
            for _ in range(len(layer.bias))
        ]

    def _slope(self, maps: Tensor) -> Tensor:
        """Return the derivative of the activation at `maps`."""
        with torch.enable_grad():
            leaf = maps.detach().requires_grad_()
            return torch.autograd.grad(self.activation(leaf).sum(), leaf)[0]

    def _states(self, vectors: Tensor, mask: Tensor) -> Tensor:
        vectors = self.embedding_dropout(vectors)
        if torch.is_grad_enabled() or not self.is_elementwise:
            maps = [self.activation(convolve(vectors)) for convolve in self.convolutions]
            return torch.cat(maps, dim=-1)
        states: Tensor = self.activation(self.convolutions.concatenate_maps(vectors))
        return states

    def forward(self, ids: Tensor, mask: Tensor, **options: Any) -> EncoderOutput:
        """Encode `ids`, with `mask` (True = real token) both [batch, time].

        The output may lack the states; `states` computes them.
        """
        return super().forward(ids, mask, with_states=False, **options)

    def _can_skip_padding(self, mask: Tensor) -> bool:
        is_inference = not torch.is_grad_enabled() and not self.training
        is_possible = is_inference and self.is_elementwise and self.pooling.is_simple
        return is_possible and has_much_padding(mask)

    def _encode(
        self,
        vectors: Tensor,
        mask: Tensor,
        bag: Bag,
        *,
        with_states: bool = True,
        **options: Any,
    ) -> EncoderOutput:
        """Compute states [batch, time, filters x widths] and the pooled vector.

        In training the states are not built if the maximum can be taken before the activation;
        without gradients not if they are not wanted and there is much padding.
        """
        if self.training and self.can_pool_first:
            vectors = self.embedding_dropout(vectors)
            maxima = max_over_time(self.convolutions.layers(), vectors, mask)
            pooled = self.dropout(self.activation(maxima))
            return EncoderOutput(append_bag(pooled, bag), mask=mask)
        if not with_states and self._can_skip_padding(mask):
            maps, bounds = unpadded_maps(self.convolutions.layers(), vectors, mask)
            pooled = self.pooling.pool_rows(self.activation(maps), bounds)
            return EncoderOutput(append_bag(pooled, bag), mask=mask)
        states = self._states(vectors, mask)
        pooled, attention = self.pooling(states, mask)
        pooled = append_bag(self.dropout(pooled), bag)
        return EncoderOutput(pooled, mask=mask, states=states, attention=attention)
