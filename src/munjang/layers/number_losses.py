"""Losses over numbers, by Keras' names. Each returns one loss per row, the mean over its outputs.

`outputs` and `targets` are [batch, outputs]; the losses are [batch]. All take raw outputs, as
Keras' do, except `poisson`: Keras takes the expected count, ours its logarithm, so that any output
of a linear head is valid.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

NumberLoss = Callable[[Tensor, Tensor], Tensor]


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of (target - output)^2."""
    return (targets - outputs).square().mean(1)


def mean_absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of |target - output|."""
    return (targets - outputs).abs().mean(1)


def huber(outputs: Tensor, targets: Tensor, *, delta: float = 1.0) -> Tensor:
    """Return half the squared error up to `delta`, linear beyond it (Huber 1964)."""
    return F.huber_loss(outputs, targets, reduction="none", delta=delta).mean(1)


def log_cosh(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of log(cosh(output - target)): x^2 / 2 for small errors x, |x| for large.

    log cosh x = x + softplus(-2x) - log 2, which does not overflow.
    """
    errors = outputs - targets
    return (errors + F.softplus(-2 * errors) - math.log(2)).mean(1)


def poisson(log_counts: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of count - target * log(count), the Poisson NLL without its constant terms.

    `log_counts` are logarithms of expected counts; `targets` are 0 or more. Keras takes counts, and
    adds 1e-7 inside its logarithm.
    """
    return (torch.exp(log_counts) - targets * log_counts).mean(1)


def cosine_similarity(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return minus the cosine of the angle between the two rows: -1 for the same direction.

    A row of zeros has the loss 0, as in Keras.
    """
    return -F.cosine_similarity(outputs, targets, dim=1)


NUMBER_LOSSES: dict[str, NumberLoss] = {
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "huber": huber,
    "log_cosh": log_cosh,
    "poisson": poisson,
    "cosine_similarity": cosine_similarity,
}
