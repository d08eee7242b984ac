"""Linear layers by oneDNN, on processors for which MKL has no fast kernels.

PyTorch multiplies float32 matrices on a CPU by MKL, which uses AVX-512 on Intel's processors only.
On those of AMD that have it, oneDNN takes less than half the time (Zen 5, one core: 250 instead of
110 GFLOP/s). PyTorch's operator for it is private (tried with 2.13) and has no gradient; a build
without it, and every other processor, multiplies as PyTorch does.
"""

from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from munjang.layers.fast.derived import DerivedWeights

# Fewest multiply-adds for which oneDNN is faster: a call takes 10 microseconds.
_LEAST = 2**20
# Rows for which weights are laid out: tokens of a text.
_PACKED_FOR = 16


class Linear(nn.Linear):
    """A linear layer, y = x Wᵀ + b, with the weights and the results of PyTorch's own."""

    def __init__(self, in_features: int, out_features: int, *, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias=bias)
        self._packed: DerivedWeights[Tensor] = DerivedWeights()

    def forward_row(self, row: Tensor) -> Tensor:
        """Return y [time, outputs] of one row [time, inputs], without gradients.

        The weights are kept in the layout of oneDNN, a copy of them, since laying them out takes
        as long as multiplying a short row.
        """
        if not prefers_onednn() or not _can_multiply(row, self.weight):
            return F.linear(row, self.weight, self.bias)
        return _multiply(row, self._packed.get((self.weight,), _pack), self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return y [..., outputs] of x [..., inputs]."""
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x Wᵀ + b, [..., outputs], as `torch.nn.functional.linear` does.

    Args:
        x: [..., inputs].
        weight: W, [outputs, inputs].
        bias: b [outputs], or None.
    """
    if not prefers_onednn() or not _can_multiply(x, weight):
        return F.linear(x, weight, bias)
    if not torch.is_grad_enabled():
        return _multiply(x, weight, bias)
    return cast(Tensor, _Linear.apply(x, weight, bias))  # type: ignore[no-untyped-call]


@cache
def prefers_onednn() -> bool:
    """Return whether oneDNN multiplies faster than MKL on this processor, and can be called."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not _is_amd():
        return False
    x, weight = torch.ones(2, 3), torch.ones(4, 3)
    try:
        with torch.inference_mode():
            return torch.equal(_multiply(x, weight, None), torch.full((2, 4), 3.0))
    except (AttributeError, RuntimeError):
        return False


def _is_amd() -> bool:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            lines = (next(file, "") for _ in range(20))
            return any("AuthenticAMD" in line for line in lines)
    except OSError:
        return False


def _can_multiply(x: Tensor, weight: Tensor) -> bool:
    """Return whether a product is one of dense float32 on the CPU, and large enough."""
    return (
        x.numel() * len(weight) >= _LEAST
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == weight.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        # a mode that counts or replaces operations knows those of PyTorch
        and torch._C._len_torch_dispatch_stack() == 0
    )


def _multiply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def _pack(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _PACKED_FOR)
    return packed


class _Linear(torch.autograd.Function):
    """Autograd function of x Wᵀ + b, whose gradients are products of oneDNN, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _multiply(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        by_row = grads[0].reshape(-1, len(weight))
        by_x = by_weight = by_bias = None
        if ctx.needs_input_grad[0]:
            by_x = _multiply(by_row, weight.t(), None).view_as(x)
        if ctx.needs_input_grad[1]:
            by_weight = _multiply(by_row.t(), x.reshape(-1, x.shape[-1]).t(), None)
        if ctx.needs_input_grad[2]:
            by_bias = by_row.sum(0)
        return by_x, by_weight, by_bias
