"""AdamW, and Adagrad, that update only the touched rows of an embedding.

A parameter with a row-sparse gradient (`munjang.layers.fast.sparse_rows`) has only those rows read,
decayed and moved that the batch touched. PyTorch's own kernel does the arithmetic of AdamW; its
classes are left aside, since making the first one imports the compiler, 1.8 s before any training
begins, and since each step through them, or through the function below them, costs more than the
arithmetic of a small model.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


@dataclass
class ParameterGroup:
    """Parameters with the same step size.

    Attributes:
        parameters: what is updated.
        lr: the highest step size.
    """

    parameters: Sequence[nn.Parameter]
    lr: float


class Optimiser(Protocol):
    """What moves parameters along their gradients.

    Attributes:
        groups: the parameters and their step sizes.
        state: what is remembered of each parameter, by its place in the order of the groups.
    """

    groups: list[ParameterGroup]
    state: dict[int, dict[str, Tensor]]

    def step(self, factor: float = 1.0) -> None:
        """Update every parameter that has a gradient, with `factor` times its highest step size."""


def _is_rising(rows: Tensor) -> bool:
    numbers = rows.cpu().numpy()  # a third of the time of asking PyTorch
    return bool((numbers[1:] > numbers[:-1]).all())


def _coalesced(gradient: Tensor) -> Tensor:
    """The row-sparse gradient with each row once."""
    if gradient.is_coalesced():
        return gradient
    # autograd forgets that a gradient was coalesced; rising rows prove it, faster than a new sort
    if _is_rising(gradient._indices()[0]):
        return gradient._coalesced_(True)
    return gradient.coalesce()


def _touched(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Row numbers [touched], each once, and gradients [touched, dim] of a row-sparse gradient."""
    gradient = _coalesced(gradient)
    return gradient._indices()[0], gradient._values()


class AdamW:
    """AdamW; on the touched rows only where a gradient is row-sparse ("lazy Adam").

    With g the gradient of a number at step t (updates of its parameter, from 1):

        m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
        w = (1 - lr decay) w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    An untouched row keeps its w, m and v, as in `torch.optim.SparseAdam`. The update is Kingma and
    Ba (2015) with the decoupled decay of Loshchilov and Hutter (2019).

    Args:
        groups: parameters and step sizes.
        betas: b1 and b2.
        eps: added to the root of v.
        weight_decay: of matrices; a bias, or any other vector, does not decay.
    """

    def __init__(
        self,
        groups: Iterable[ParameterGroup],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.groups = list(groups)
        self.state: dict[int, dict[str, Tensor]] = {}
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Update every parameter that has a gradient, with `factor` times its highest step size."""
        place = 0
        for group in self.groups:
            moved = _Moved()
            for parameter in group.parameters:
                if parameter.grad is not None:
                    moved.add(parameter, parameter.grad, self._state_of(place, parameter))
                place += 1
            self._update(moved, group.lr * factor)

    def _update(self, moved: "_Moved", lr: float) -> None:
        if self.weight_decay:
            # here and not in the kernel, so that one call does for matrices and vectors
            for values in moved.values:
                if values.ndim > 1:
                    values.mul_(1 - lr * self.weight_decay)
        if moved.values:
            torch._foreach_add_(moved.steps, 1)
            torch._fused_adamw_(
                moved.values,
                moved.gradients,
                moved.means,
                moved.squares,
                [],
                moved.steps,
                amsgrad=False,
                lr=lr,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=0.0,
                eps=self.eps,
                maximize=False,
            )
        moved.put_back()

    def _state_of(self, place: int, parameter: nn.Parameter) -> dict[str, Tensor]:
        if place not in self.state:
            self.state[place] = {
                "step": torch.zeros((), device=parameter.device),
                "mean": torch.zeros_like(parameter),
                "square": torch.zeros_like(parameter),
            }
        return self.state[place]


class _Moved:
    """The tensors of one group's update: whole parameters, or copies of their touched rows."""

    def __init__(self) -> None:
        self.values: list[Tensor] = []
        self.gradients: list[Tensor] = []
        self.means: list[Tensor] = []
        self.squares: list[Tensor] = []
        self.steps: list[Tensor] = []
        self._copies: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, parameter: nn.Parameter, gradient: Tensor, state: dict[str, Tensor]) -> None:
        self.steps.append(state["step"])
        wholes = parameter.data, state["mean"], state["square"]
        if gradient.is_sparse:
            rows, gradient = _touched(gradient)
            parts = [whole.index_select(0, rows) for whole in wholes]
            self._copies += [(whole, rows, part) for whole, part in zip(wholes, parts, strict=True)]
        else:
            parts = list(wholes)
        self.gradients.append(gradient)
        self.values.append(parts[0])
        self.means.append(parts[1])
        self.squares.append(parts[2])

    def put_back(self) -> None:
        for whole, rows, part in self._copies:
            whole.index_copy_(0, rows, part)


class RowAdagrad:
    """Adagrad with one accumulator a row: the mean of the squared gradient over the row's numbers.

    For a touched row:  s = s + mean(g^2),   w = w - lr g / (sqrt(s) + eps).  An untouched row keeps
    its w and s. Adagrad is Duchi et al. (2011); one accumulator a row is how large embedding tables
    are trained (Mudigere et al. 2022). A quarter of AdamW's memory traffic at dim 64.

    Args:
        groups: parameters with row-sparse gradients, and step sizes; there is no decay.
        eps: added to the root of s.
    """

    def __init__(self, groups: Iterable[ParameterGroup], *, eps: float = 1e-10) -> None:
        self.groups = list(groups)
        self.state: dict[int, dict[str, Tensor]] = {}
        self.eps = eps

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Update every parameter that has a gradient, with `factor` times its highest step size."""
        place = 0
        for group in self.groups:
            for parameter in group.parameters:
                if parameter.grad is not None:
                    self._update(place, parameter, parameter.grad, group.lr * factor)
                place += 1

    def _update(self, place: int, parameter: nn.Parameter, gradient: Tensor, lr: float) -> None:
        if place not in self.state:
            self.state[place] = {"square": torch.zeros(len(parameter), device=parameter.device)}
        rows, values = _touched(gradient)
        state = self.state[place]["square"]
        square = state.index_select(0, rows)
        square += torch.linalg.vector_norm(values, dim=1).square_().div_(values.shape[1])
        state.index_copy_(0, rows, square)
        rate = square.sqrt_().add_(self.eps).reciprocal_().mul_(-lr)
        # read, moved and written: adding to rows in place takes up to four times as long
        moved = parameter.index_select(0, rows).addcmul_(values, rate[:, None])
        parameter.index_copy_(0, rows, moved)


def clip_gradients(parameters: Iterable[nn.Parameter], largest: float) -> float:
    """Scale all gradients, dense and row-sparse, so that their joint norm is at most `largest`.

    Returns the norm before. Pascanu et al. (2013), "On the difficulty of training recurrent
    neural networks".
    """
    values = []
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is None:
            continue
        if gradient.is_sparse:
            # a row named twice counts with its sum
            gradient = parameter.grad = _coalesced(gradient)
            gradient = gradient._values()
        values.append(gradient)
    if not values:
        return 0.0
    norm = math.hypot(*(float(torch.linalg.vector_norm(v)) for v in values))
    if norm > largest:
        for gradient in values:
            gradient.mul_(largest / (norm + 1e-6))
    return norm
