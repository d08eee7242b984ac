"""Losses over classes, by Keras' names. Each takes logits and returns one loss per row.

Targets are class numbers, or soft targets: a probability per class, such as another model's answer
(Hinton et al. 2015, "Distilling the knowledge in a neural network").

Keras takes probabilities here unless `from_logits=True`, and its KL divergence always does; ours
take logits always and never clip. Hinges take the raw output in both. Cross-entropies, focal loss
and KL divergence are in nats. Losses over numbers are in `munjang.layers.number_losses`.

Formulas: cross-entropy and hinges as in Keras' losses; focal loss by Lin et al. (2017), "Focal loss
for dense object detection"; label smoothing by Szegedy et al. (2016).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

RowLoss = Callable[[Tensor, Tensor, float], Tensor]


def binary_crossentropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the mean binary cross-entropy over the outputs of each row: [batch].

    Args:
        logits: [batch, 1] of the second of two classes, or [batch, labels] of independent labels.
        targets: [batch] or [batch, labels] in {0, 1} or between; for the two classes of
            `logits` [batch, 1] also [batch, 2] probabilities.
        smoothing: label smoothing, 0 to 1.
    """
    if logits.shape[1] == 1 and targets.ndim == 2 and targets.shape[1] == 2:
        targets = targets[:, 1]
    truth = targets.to(logits.dtype).reshape(logits.shape)
    if smoothing:
        truth = truth * (1 - smoothing) + smoothing / 2
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return losses.flatten() if losses.shape[1] == 1 else losses.mean(1)


def categorical_crossentropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of each row: [batch].

    Args:
        logits: [batch, classes].
        targets: [batch] class numbers, or [batch, classes] probabilities.
        smoothing: label smoothing, 0 to 1.
    """
    if targets.ndim == 1:
        return F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
    truth = targets * (1 - smoothing) + smoothing / targets.shape[1]
    return -(truth * F.log_softmax(logits, dim=1)).sum(1)


# Keras has a name for class numbers and one for probabilities; the targets tell them apart.
sparse_categorical_crossentropy = categorical_crossentropy


def focal(logits: Tensor, targets: Tensor, smoothing: float = 0.0, *, gamma: float = 2.0) -> Tensor:
    """Return the cross-entropy times (1 - p) ** gamma, p the probability of the class: [batch].

    With soft targets the terms of the classes are weighted by them.

    Args:
        logits: [batch, 1] of the second of two classes, or [batch, classes].
        targets: [batch] class numbers, or [batch, classes] probabilities.
        smoothing: label smoothing, 0 to 1.
        gamma: 0 gives the cross-entropy; the larger, the less confident right answers count.
    """
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    log_p = F.log_softmax(logits, dim=1)
    # never quite zero, where the gradient of a power below 1 is infinite
    rest = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
    terms = -(rest**gamma) * log_p
    classes = logits.shape[1]
    truth = F.one_hot(targets, classes) if targets.ndim == 1 else targets
    truth = truth.to(logits.dtype) * (1 - smoothing) + smoothing / classes
    return (truth * terms).sum(1)


def kl_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of q * log(q / p) of each row, p the softmax of `logits`: [batch].

    `logits` and `targets` are [batch, classes]; `targets` are probabilities q. Keras clips both
    distributions to 1e-7 or more, so its values differ where a p is smaller.
    """
    negative_entropy: Tensor = torch.special.xlogy(targets, targets)
    return (negative_entropy - targets * F.log_softmax(logits, dim=1)).sum(1)


def softened_kl(logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(q || p) of each row, both distributions softened by T: [batch].

    Hinton et al. (2015). q is the softmax of log(targets) / T, p that of logits / T. The factor
    T^2 keeps the size of the gradient, which falls with 1 / T^2. With T = 1 and one-hot targets it
    is the cross-entropy.

    Args:
        logits: [batch, 1] of the second of two classes, or [batch, classes].
        targets: [batch, classes] probabilities.
        temperature: T; above 1 the small probabilities count more.
    """
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    targets = targets.to(logits.dtype).clamp(min=torch.finfo(logits.dtype).tiny)
    log_q = F.log_softmax(targets.log() / temperature, dim=1)
    log_p = F.log_softmax(logits / temperature, dim=1)
    return temperature**2 * (log_q.exp() * (log_q - log_p)).sum(1)


def softened_binary_kl(logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Return `softened_kl` of each label and its complement, the mean over labels: [batch].

    Args:
        logits: [batch, labels].
        targets: [batch, labels] probabilities.
        temperature: T.
    """
    teacher = torch.logit(targets.to(logits.dtype), eps=torch.finfo(logits.dtype).eps) / temperature
    student, q = logits / temperature, torch.sigmoid(teacher)
    yes = F.logsigmoid(teacher) - F.logsigmoid(student)
    no = F.logsigmoid(-teacher) - F.logsigmoid(-student)
    return temperature**2 * (q * yes + (1 - q) * no).mean(1)


def hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of max(0, 1 - t * output) of each row, t = 1 or -1: [batch].

    `outputs` are raw, [batch, outputs]; `targets` have their shape, in {0, 1} or {-1, 1}.
    """
    return _margin_violations(outputs, targets).mean(1)


def squared_hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return `hinge` with each term squared before the mean: [batch]."""
    return _margin_violations(outputs, targets).square().mean(1)


def _margin_violations(outputs: Tensor, targets: Tensor) -> Tensor:
    signs = torch.where(targets > 0, 1.0, -1.0).to(outputs.dtype)
    return (1 - signs * outputs).clamp(min=0)


LOSSES: dict[str, RowLoss] = {
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "focal": focal,
}
