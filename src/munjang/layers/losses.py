"""Losses, by Keras' names. Each takes logits and gives one number a row, in nats.

Formulas: cross-entropy as in Keras' losses; focal loss by Lin et al. (2017), "Focal loss for dense
object detection"; label smoothing by Szegedy et al. (2016).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

RowLoss = Callable[[Tensor, Tensor, float], Tensor]


def binary_crossentropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """`logits` [batch, 1] of the second class, `targets` [batch] in {0, 1}: losses [batch]."""
    truth = targets.to(logits.dtype)
    if smoothing:
        truth = truth * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="none")


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


LOSSES: dict[str, RowLoss] = {
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "focal": focal,
}
