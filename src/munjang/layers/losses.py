"""Losses over classes, by Keras' names. Each takes logits and gives one number a row.

Keras takes probabilities here unless told `from_logits=True`, its KL divergence always does; ours
take logits always, and nowhere clip. Hinges take the raw output in both. Cross-entropies, focal
loss and KL divergence are in nats. Losses over numbers stand in `munjang.layers.number_losses`.

Formulas: cross-entropy and hinges as in Keras' losses; focal loss by Lin et al. (2017), "Focal loss
for dense object detection"; label smoothing by Szegedy et al. (2016).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

RowLoss = Callable[[Tensor, Tensor, float], Tensor]


def binary_crossentropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean over the outputs of a row: losses [batch].

    `logits` [batch, 1] of the second class with `targets` [batch] in {0, 1}, or `logits`
    [batch, labels] with `targets` [batch, labels] in {0, 1}: each label a question of its own.
    """
    truth = targets.to(logits.dtype).reshape(logits.shape)
    if smoothing:
        truth = truth * (1 - smoothing) + smoothing / 2
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return losses.flatten() if losses.shape[1] == 1 else losses.mean(1)


def sparse_categorical_crossentropy(
    logits: Tensor, targets: Tensor, smoothing: float = 0.0
) -> Tensor:
    """`logits` [batch, classes], `targets` [batch] class numbers: losses [batch]."""
    return F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)


def categorical_crossentropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """`logits` [batch, classes], `targets` [batch] numbers or [batch, classes] shares: [batch]."""
    if targets.ndim == 1:
        return sparse_categorical_crossentropy(logits, targets, smoothing)
    truth = targets * (1 - smoothing) + smoothing / targets.shape[1]
    return -(truth * F.log_softmax(logits, dim=1)).sum(1)


def focal(logits: Tensor, targets: Tensor, smoothing: float = 0.0, *, gamma: float = 2.0) -> Tensor:
    """Cross-entropy times (1 - p) ** gamma, p the probability of the true class: losses [batch].

    `logits` [batch, 1] (two classes) or [batch, classes]; `targets` [batch].
    """
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    chances = F.log_softmax(logits, dim=1)
    # never quite zero, where the slope of a power below 1 has no end
    missing = (-torch.expm1(chances)).clamp(min=torch.finfo(chances.dtype).tiny)
    modulated = -(missing**gamma) * chances
    classes = logits.shape[1]
    truth = F.one_hot(targets, classes).to(logits.dtype) * (1 - smoothing) + smoothing / classes
    return (truth * modulated).sum(1)


def kl_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum of q * log(q / p), p the softmax of `logits`: losses [batch].

    `logits` and `targets` [batch, classes]; `targets` are shares q that sum to 1. Keras clips both
    distributions to 1e-7 or more, so its values differ where a p is smaller.
    """
    own: Tensor = torch.special.xlogy(targets, targets)
    return (own - targets * F.log_softmax(logits, dim=1)).sum(1)


def hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean of max(0, 1 - t * output), t = 1 or -1: losses [batch].

    `outputs` [batch, outputs] raw; `targets` likewise, in {0, 1} or {-1, 1}.
    """
    return _margins_missed(outputs, targets).mean(1)


def squared_hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    """As `hinge`, each term squared before the mean: losses [batch]."""
    return _margins_missed(outputs, targets).square().mean(1)


def _margins_missed(outputs: Tensor, targets: Tensor) -> Tensor:
    signs = torch.where(targets > 0, 1.0, -1.0).to(outputs.dtype)
    return (1 - signs * outputs).clamp(min=0)


LOSSES: dict[str, RowLoss] = {
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "focal": focal,
}
