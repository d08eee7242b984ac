"""Output layer over a large vocabulary, and its loss in chunks that fit the CPU's cache.

Logits of a batch of 4,096 tokens over 10,000 words are 164 MB, and a plain implementation passes
over them a dozen times. Here logits, loss and gradient of a few hundred rows are computed at a
time, while they are in the cache, and the logits of a batch never exist as a whole.
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.layers.fast.linear import (
    fill_rows,
    keeps_kernels,
    linear,
    prefers_onednn,
    transposed_product,
)

# logits of one chunk: 4 MB of float32
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Projected:
    """States and the output layer to apply to them: logits = states Wᵀ + b.

    Attributes:
        states: [..., dim].
        weight: W [vocabulary, dim].
        bias: b [vocabulary].
    """

    states: Tensor
    weight: Tensor
    bias: Tensor

    def logits(self) -> Tensor:
        """Compute all logits, [..., vocabulary]."""
        return linear(self.states, self.weight, self.bias)

    def loss(self, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        """Compute the mean `cross_entropy` of states [rows, dim]: a scalar."""
        return cross_entropy(self.states, self.weight, self.bias, targets, smoothing)


def cross_entropy(
    states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float = 0.0
) -> Tensor:
    """Compute the mean cross-entropy of softmax(states Wᵀ + b), in nats per row: a scalar.

    Label smoothing (Szegedy et al. 2016): the target has 1 - smoothing of the weight, and all
    tokens of the vocabulary share the rest.

    Args:
        states: [rows, dim].
        weight: W [vocabulary, dim].
        bias: b [vocabulary].
        targets: [rows] int64 ids.
        smoothing: 0 to 1.
    """
    if not torch.is_grad_enabled():
        return _chunked_loss(states, weight, bias, targets, smoothing)
    return cast(Tensor, _CrossEntropy.apply(states, weight, bias, targets, smoothing))  # type: ignore[no-untyped-call]


def _chunked_loss(
    states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
) -> Tensor:
    """Compute the loss without a gradient, with the logits of a chunk at a time."""
    size = max(1, _CHUNK // len(weight))
    total = states.new_zeros((), dtype=torch.float32)
    for start in range(0, len(states), size):
        logits = linear(states[start : start + size], weight, bias).float()
        chunk = targets[start : start + size]
        total += F.cross_entropy(logits, chunk, label_smoothing=smoothing, reduction="sum")
    return total / len(states)


class _CrossEntropy(torch.autograd.Function):
    """Loss and gradients in one forward pass, as the logits of a chunk exist only there."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> Tensor:
        rows, vocabulary, device = len(states), len(weight), states.device.type
        dtype = (
            torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
        )
        with torch.autocast(device, enabled=False):
            by_state, cast_weight = torch.empty_like(states), weight.to(dtype)
            by_weight = torch.zeros_like(weight)
            by_bias, total = torch.zeros_like(bias), states.new_zeros(())
            size = max(1, _CHUNK // vocabulary)
            for start in range(0, rows, size):
                chunk = states[start : start + size].to(dtype)
                target = targets[start : start + size, None]
                count = len(chunk)
                if states.device.type == "cpu" and keeps_kernels(dtype):
                    chunk = fill_rows(chunk)
                filled = linear(chunk, cast_weight).float().add_(bias).log_softmax(1)
                log_probabilities = filled[:count]
                total -= (1 - smoothing) * log_probabilities.gather(1, target).sum()
                if smoothing:
                    total -= smoothing / vocabulary * log_probabilities.sum()
                # d loss / d logits = softmax - smoothed target
                error = log_probabilities.exp_()
                if smoothing:
                    error -= smoothing / vocabulary
                error.scatter_add_(1, target, error.new_full(target.shape, smoothing - 1))
                by_bias += error.sum(0)
                filled[count:] = 0
                filled = filled.to(dtype)
                by_state[start : start + size] = linear(filled, cast_weight.t())[:count]
                if dtype == by_weight.dtype and not prefers_onednn():
                    by_weight.addmm_(filled.T, chunk)
                else:
                    by_weight += transposed_product(filled, chunk)
        ctx.save_for_backward(by_state, by_weight, by_bias)
        ctx.rows = max(1, rows)
        mean: Tensor = total / ctx.rows
        return mean

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        by_state, by_weight, by_bias = ctx.saved_tensors
        share: Tensor = grads[0] / ctx.rows
        return by_state * share, by_weight * share, by_bias * share, None, None
