"""The last layer of a model over a large vocabulary, and its loss, whose logits never lie whole.

Logits of a batch of 4,096 tokens over 10,000 words are 164 MB, and a loss by the book walks them a
dozen times. Here a few hundred rows are worked on at a time, logits, loss and gradient, while they
lie in the cache.
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

# logits of one piece: 4 MB of float32
_PIECE = 1 << 20


@dataclass(frozen=True)
class Projected:
    """States before a last linear layer, and the layer: logits = states Wᵀ + b.

    Attributes:
        states: [rows, dim].
        weight: W [vocabulary, dim].
        bias: b [vocabulary].
    """

    states: Tensor
    weight: Tensor
    bias: Tensor

    def logits(self) -> Tensor:
        """[rows, vocabulary]."""
        return F.linear(self.states, self.weight, self.bias)

    def loss(self, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        """The mean cross-entropy of `cross_entropy`: a scalar."""
        return cross_entropy(self.states, self.weight, self.bias, targets, smoothing)


def cross_entropy(
    states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float = 0.0
) -> Tensor:
    """The mean over rows of the cross-entropy of softmax(states Wᵀ + b), in nats: a scalar.

    Label smoothing (Szegedy et al. 2016): the target has 1 - smoothing of the weight, and all words
    of the vocabulary share the rest.

    Args:
        states: [rows, dim].
        weight: W [vocabulary, dim].
        bias: b [vocabulary].
        targets: [rows] int64, of words.
        smoothing: 0 to 1.
    """
    if not torch.is_grad_enabled():
        return _in_pieces(states, weight, bias, targets, smoothing)
    return cast(Tensor, _CrossEntropy.apply(states, weight, bias, targets, smoothing))  # type: ignore[no-untyped-call]


def _in_pieces(
    states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
) -> Tensor:
    """The mean cross-entropy where no gradient is asked for, a piece of the logits at a time."""
    size = max(1, _PIECE // len(weight))
    total = states.new_zeros((), dtype=torch.float32)
    for start in range(0, len(states), size):
        logits = F.linear(states[start : start + size], weight, bias).float()
        wanted = targets[start : start + size]
        total += F.cross_entropy(logits, wanted, label_smoothing=smoothing, reduction="sum")
    return total / len(states)


class _CrossEntropy(torch.autograd.Function):
    """Gradients are made on the way forward, since only there the logits of a piece are at hand."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> Tensor:
        rows, words, device = len(states), len(weight), states.device.type
        kind = (
            torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
        )
        with torch.autocast(device, enabled=False):
            by_state, turned = torch.empty_like(states), weight.to(kind)
            by_weight = torch.zeros_like(weight)
            by_bias, total = torch.zeros_like(bias), states.new_zeros(())
            size = max(1, _PIECE // words)
            for start in range(0, rows, size):
                piece = states[start : start + size].to(kind)
                wanted = targets[start : start + size, None]
                log_chances = F.linear(piece, turned).float().add_(bias).log_softmax(1)
                total -= (1 - smoothing) * log_chances.gather(1, wanted).sum()
                if smoothing:
                    total -= smoothing / words * log_chances.sum()
                # d loss / d logits = softmax - wanted, which has 1 - smoothing in its place
                error = log_chances.exp_()
                if smoothing:
                    error -= smoothing / words
                error.scatter_add_(1, wanted, error.new_full(wanted.shape, smoothing - 1))
                by_bias += error.sum(0)
                error = error.to(kind)
                by_state[start : start + size] = error @ turned
                if kind == by_weight.dtype:
                    by_weight.addmm_(error.T, piece)
                else:
                    by_weight += error.T @ piece
        ctx.save_for_backward(by_state, by_weight, by_bias)
        ctx.rows = max(1, rows)
        mean: Tensor = total / ctx.rows
        return mean

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        by_state, by_weight, by_bias = ctx.saved_tensors
        share: Tensor = grads[0] / ctx.rows
        return by_state * share, by_weight * share, by_bias * share, None, None
