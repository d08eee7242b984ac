"""AdamW's update and the merging of gradient rows, by PyTorch's fast private functions.

A release of PyTorch may drop or rename them. Public operations then do the same arithmetic: slower,
and equal up to rounding.
"""

import torch
from torch import Tensor


def update_adamw(
    values: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> None:
    """Move `values`, `means`, `squares` and `steps` one step of AdamW, in place, without decay.

    The lists have one tensor per parameter; `steps` are scalars.
    """
    _increment(steps)
    fused = getattr(torch, "_fused_adamw_", None)
    if fused is None:
        _update_one_by_one(values, gradients, means, squares, steps, lr=lr, betas=betas, eps=eps)
        return
    fused(
        values,
        gradients,
        means,
        squares,
        [],
        steps,
        amsgrad=False,
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=0.0,
        eps=eps,
        maximize=False,
    )


def _increment(steps: list[Tensor]) -> None:
    add = getattr(torch, "_foreach_add_", None)
    if add is not None:
        add(steps, 1)
        return
    for step in steps:
        step.add_(1)


def _update_one_by_one(
    values: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> None:
    beta1, beta2 = betas
    tensors = zip(values, gradients, means, squares, steps, strict=True)
    for value, gradient, mean, square, step in tensors:
        mean.lerp_(gradient, 1 - beta1)
        square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        count = float(step)
        scale = (square / (1 - beta2**count)).sqrt_().add_(eps)
        value.addcdiv_(mean, scale, value=-lr / (1 - beta1**count))


def coalesce_rows(gradient: Tensor) -> Tensor:
    """Return a row-sparse gradient with each row once, in rising order."""
    if gradient.is_coalesced():
        return gradient
    # autograd drops the mark of a coalesced gradient; rising rows prove it, faster than a new sort
    try:
        if _is_rising(gradient._indices()[0]):
            return gradient._coalesced_(True)
    except AttributeError:
        pass
    return gradient.coalesce()


def _is_rising(rows: Tensor) -> bool:
    numbers = rows.cpu().numpy()  # takes a third of the time that PyTorch needs
    return bool((numbers[1:] > numbers[:-1]).all())
