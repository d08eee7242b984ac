"""AdamW, and its kin that update only the touched rows of an embedding.

Dense parameters go to `torch.optim.AdamW`. A parameter with a row-sparse gradient goes to
`RowAdamW` or `RowAdagrad`: rows that the batch did not touch are not read, decayed or moved.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

Parameters = Iterable[nn.Parameter] | Iterable[dict[str, Any]]


def _touched(parameter: nn.Parameter) -> tuple[Tensor, Tensor]:
    """Row numbers [touched] and gradients [touched, dim] of a row-sparse gradient."""
    gradient = parameter.grad
    assert gradient is not None
    rows = gradient._indices()[0]
    # autograd forgets that a gradient was coalesced; rising rows prove it, faster than a new sort
    if bool((rows[1:] > rows[:-1]).all()):
        return rows, gradient._values()
    gradient = gradient.coalesce()
    return gradient._indices()[0], gradient._values()


class RowAdamW(torch.optim.Optimizer):
    """AdamW on the touched rows only ("lazy Adam", as `torch.optim.SparseAdam`, plus decay).

    With g the gradient of a touched row at step t (steps of the whole run, from 1):

        m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
        w = (1 - lr decay) w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    An untouched row keeps its w, m and v. The update is Kingma and Ba (2015) with the decoupled
    decay of Loshchilov and Hutter (2019).
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.int64)
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        state["step"] += 1
        rows, gradient = _touched(parameter)
        first, second = group["betas"]
        step = int(state["step"])
        mean = state["mean"].index_select(0, rows).lerp_(gradient, 1 - first)
        square = state["square"].index_select(0, rows).mul_(second)
        square.addcmul_(gradient, gradient, value=1 - second)
        state["mean"].index_copy_(0, rows, mean)
        state["square"].index_copy_(0, rows, square)
        scale = (square / (1 - second**step)).sqrt_().add_(group["eps"])
        values = parameter.index_select(0, rows).mul_(1 - group["lr"] * group["weight_decay"])
        values.addcdiv_(mean, scale, value=-group["lr"] / (1 - first**step))
        parameter.index_copy_(0, rows, values)


class RowAdagrad(torch.optim.Optimizer):
    """Adagrad with one accumulator a row: the mean of the squared gradient over the row's numbers.

    For a touched row:  s = s + mean(g^2),   w = w - lr g / (sqrt(s) + eps).  An untouched row keeps
    its w and s. Adagrad is Duchi et al. (2011); one accumulator a row is how large embedding tables
    are trained (Mudigere et al. 2022). A quarter of RowAdamW's memory traffic at dim 64.
    """

    def __init__(self, parameters: Parameters, lr: float = 0.05, *, eps: float = 1e-10) -> None:
        super().__init__(parameters, {"lr": lr, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["square"] = torch.zeros(len(parameter), device=parameter.device)
        rows, gradient = _touched(parameter)
        square = state["square"].index_select(0, rows)
        square += torch.linalg.vector_norm(gradient, dim=1).square_().div_(gradient.shape[1])
        state["square"].index_copy_(0, rows, square)
        rate = square.sqrt_().add_(group["eps"]).reciprocal_().mul_(-group["lr"])
        parameter.index_add_(0, rows, gradient * rate[:, None])


def clip_gradients(parameters: Iterable[nn.Parameter], largest: float) -> float:
    """Scale all gradients, dense and row-sparse, so that their joint norm is at most `largest`.

    Returns the norm before. Pascanu et al. (2013), "On the difficulty of training recurrent
    neural networks".
    """
    values = []
    for parameter in parameters:
        if parameter.grad is not None:
            gradient = parameter.grad
            values.append(gradient._values() if gradient.is_sparse else gradient)
    if not values:
        return 0.0
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(v) for v in values]))
    scale = (largest / (norm + 1e-6)).clamp(max=1.0)
    if float(scale) < 1.0:
        for gradient in values:
            gradient.mul_(scale)
    return float(norm)
