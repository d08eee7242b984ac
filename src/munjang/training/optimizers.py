"""AdamW and row-wise Adagrad, which update only the rows of an embedding that a batch touched.

A parameter with a row-sparse gradient (`munjang.layers.fast.sparse_rows`) has only those rows
read, decayed and updated that the batch touched. PyTorch's own kernel does the arithmetic of AdamW
(`munjang.training.kernels`). Its optimizer classes are not used: building the first one imports the
compiler, which takes 1.8 s, and a step through them costs more than the arithmetic of a small
model.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from munjang.training.kernels import coalesce_rows, update_adamw


@dataclass
class ParameterGroup:
    """Parameters with the same learning rate.

    Attributes:
        parameters: the parameters to update.
        lr: the peak learning rate.
    """

    parameters: Sequence[nn.Parameter]
    lr: float


class Optimizer(Protocol):
    """Updates parameters along their gradients.

    Attributes:
        groups: the parameters and their learning rates.
        state: tensors kept per parameter, by its position over all groups.
    """

    groups: list[ParameterGroup]
    state: dict[int, dict[str, Tensor]]

    def step(self, factor: float = 1.0) -> None:
        """Update every parameter that has a gradient, at `factor` times its peak learning rate."""


def _touched_rows(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return row numbers [touched], each once, and their gradients [touched, dim].

    A dense gradient touches every row.
    """
    if not gradient.is_sparse:
        return torch.arange(len(gradient), device=gradient.device), gradient
    gradient = coalesce_rows(gradient)
    return gradient.indices()[0], gradient.values()


class AdamW:
    """AdamW; for a row-sparse gradient, only on the touched rows ("lazy Adam").

    With g the gradient of a weight at step t (updates of its parameter, from 1):

        m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
        w = (1 - lr decay) w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    An untouched row keeps its w, m and v, as in `torch.optim.SparseAdam`. The update is Kingma and
    Ba (2015) with the decoupled decay of Loshchilov and Hutter (2019).

    Args:
        groups: parameters and learning rates.
        betas: b1 and b2.
        eps: added to the root of v.
        weight_decay: decay of matrices; biases and other vectors do not decay.
        undecayed: matrices that do not decay either.
    """

    def __init__(
        self,
        groups: Iterable[ParameterGroup],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        undecayed: Iterable[nn.Parameter] = (),
    ) -> None:
        self.groups = list(groups)
        self._undecayed = {id(parameter) for parameter in undecayed}
        self.state: dict[int, dict[str, Tensor]] = {}
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Update every parameter that has a gradient, at `factor` times its peak learning rate."""
        position = 0
        for group in self.groups:
            update = _GroupUpdate()
            for parameter in group.parameters:
                if parameter.grad is not None:
                    update.add(parameter, parameter.grad, self._state_of(position, parameter))
                    update.decays.append(id(parameter) not in self._undecayed)
                position += 1
            self._apply(update, group.lr * factor)

    def _apply(self, update: "_GroupUpdate", lr: float) -> None:
        if self.weight_decay:
            # here and not in the kernel, so that one call does for matrices and vectors
            for values, decays in zip(update.values, update.decays, strict=True):
                if decays and values.ndim > 1:
                    values.mul_(1 - lr * self.weight_decay)
        if update.values:
            update_adamw(
                update.values,
                update.gradients,
                update.means,
                update.squares,
                update.steps,
                lr=lr,
                betas=self.betas,
                eps=self.eps,
            )
        update.write_back()

    def _state_of(self, position: int, parameter: nn.Parameter) -> dict[str, Tensor]:
        if position not in self.state:
            self.state[position] = {
                "step": torch.zeros((), device=parameter.device),
                "mean": torch.zeros_like(parameter),
                "square": torch.zeros_like(parameter),
            }
        return self.state[position]


class _GroupUpdate:
    """The tensors of one group's update: whole parameters, or copies of their touched rows."""

    def __init__(self) -> None:
        self.values: list[Tensor] = []
        self.gradients: list[Tensor] = []
        self.means: list[Tensor] = []
        self.squares: list[Tensor] = []
        self.steps: list[Tensor] = []
        self.decays: list[bool] = []
        self._copies: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, parameter: nn.Parameter, gradient: Tensor, state: dict[str, Tensor]) -> None:
        self.steps.append(state["step"])
        tables = parameter.data, state["mean"], state["square"]
        if gradient.is_sparse:
            rows, gradient = _touched_rows(gradient)
            parts = [table.index_select(0, rows) for table in tables]
            self._copies += [(table, rows, part) for table, part in zip(tables, parts, strict=True)]
        else:
            parts = list(tables)
        self.gradients.append(gradient)
        self.values.append(parts[0])
        self.means.append(parts[1])
        self.squares.append(parts[2])

    def write_back(self) -> None:
        for table, rows, part in self._copies:
            table.index_copy_(0, rows, part)


class RowAdagrad:
    """Adagrad with one accumulator per row: the mean of the row's squared gradient.

    For a touched row:  s = s + mean(g^2),   w = w - lr g / (sqrt(s) + eps).  An untouched row keeps
    its w and s. Adagrad is Duchi et al. (2011); one accumulator per row is how large embedding
    tables are trained (Mudigere et al. 2022). It needs a quarter of AdamW's memory traffic at
    dim 64.

    Args:
        groups: matrices, best with row-sparse gradients, and learning rates; there is no decay.
        eps: added to the root of s.
    """

    def __init__(self, groups: Iterable[ParameterGroup], *, eps: float = 1e-10) -> None:
        self.groups = list(groups)
        self.state: dict[int, dict[str, Tensor]] = {}
        self.eps = eps

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Update every parameter that has a gradient, at `factor` times its peak learning rate."""
        position = 0
        for group in self.groups:
            for parameter in group.parameters:
                if parameter.grad is not None:
                    self._update(position, parameter, parameter.grad, group.lr * factor)
                position += 1

    def _update(self, position: int, parameter: nn.Parameter, gradient: Tensor, lr: float) -> None:
        if position not in self.state:
            self.state[position] = {"square": torch.zeros(len(parameter), device=parameter.device)}
        rows, values = _touched_rows(gradient)
        accumulators = self.state[position]["square"]
        square = accumulators.index_select(0, rows)
        square += torch.linalg.vector_norm(values, dim=1).square_().div_(values.shape[1])
        accumulators.index_copy_(0, rows, square)
        rates = square.sqrt_().add_(self.eps).reciprocal_().mul_(-lr)
        # read, updated and written: adding to rows in place takes up to four times as long
        updated = parameter.index_select(0, rows).addcmul_(values, rates[:, None])
        parameter.index_copy_(0, rows, updated)


def clip_gradients(parameters: Iterable[nn.Parameter], largest: float) -> float:
    """Scale all gradients, dense and row-sparse, so that their joint norm is at most `largest`.

    Pascanu et al. (2013), "On the difficulty of training recurrent neural networks".

    Returns:
        The joint norm before.
    """
    values = []
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is None:
            continue
        if gradient.is_sparse:
            # the gradients of a repeated row are summed before the norm is taken
            gradient = parameter.grad = coalesce_rows(gradient)
            gradient = gradient.values()
        values.append(gradient)
    if not values:
        return 0.0
    norm = math.hypot(*(float(torch.linalg.vector_norm(v)) for v in values))
    if norm > largest:
        for gradient in values:
            gradient.mul_(largest / (norm + 1e-6))
    return norm
