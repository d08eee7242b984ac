"""Linear layers by oneDNN, on processors for which MKL has no fast kernels.

PyTorch multiplies float32 matrices on a CPU by MKL, which uses AVX-512 on Intel's processors only.
On those of AMD that have it, oneDNN takes less than half the time (Zen 5, one core: 250 instead of
110 GFLOP/s). PyTorch's operator for it is private (tried with 2.13) and has no gradient; a build
without it, and every other processor, multiplies as PyTorch does.

oneDNN compiles a kernel per shape, and keeps about half a megabyte for each; in between, buffers of
ever new sizes leave holes in the heap. Batches of texts have thousands of shapes, so a training
would take gigabytes. Rows are therefore filled up with zeros to one of 16 sizes per power of two.
"""

import math
from collections.abc import Sequence
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
# Sizes per power of two, of which one is the number of rows of a product.
_SIZES = 16


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
        packed = self._packed.get((self.weight,), _pack)
        return _multiply(fill_rows(row), packed, self.bias)[: len(row)]

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
    if _is_cast(x):
        return _fill_and_multiply(x, weight, bias)
    if not prefers_onednn() or not _can_multiply(x, weight):
        return F.linear(x, weight, bias)
    if not torch.is_grad_enabled():
        return _multiply_rows(fill_rows(x.reshape(-1, x.shape[-1])), weight, bias, x.shape[:-1])
    return cast(Tensor, _Linear.apply(x, weight, bias))  # type: ignore[no-untyped-call]


def transposed_product(x: Tensor, y: Tensor) -> Tensor:
    """Return xᵀ y, [dim, outputs], of x [rows, dim] and y [rows, outputs]."""
    if not prefers_onednn() or not _can_multiply(x.t(), y.t()):
        return x.t() @ y
    return _multiply(x.t(), y.t(), None)


def keeps_kernels(dtype: torch.dtype) -> bool:
    """Return whether oneDNN multiplies matrices of that type on the CPU: a kernel per shape."""
    return prefers_onednn() if dtype == torch.float32 else dtype == torch.bfloat16


def round_up_rows(rows: int) -> int:
    """Return the number of rows of a product that `rows` are filled up to, at most a 16th more."""
    unit = 1 << max(0, (rows - 1).bit_length() - 1 - (_SIZES - 1).bit_length())
    return -(-rows // unit) * unit


def fill_rows(x: Tensor) -> Tensor:
    """Return x [rows, dim] with rows of zeros up to `round_up_rows`; x itself if none lacks."""
    rows = round_up_rows(len(x))
    if rows == len(x):
        return x
    filled = x.new_empty(rows, x.shape[1])
    filled[: len(x)] = x
    filled[len(x) :] = 0
    return filled


def _is_cast(x: Tensor) -> bool:
    """Return whether PyTorch casts x to bfloat16, and multiplies it by oneDNN."""
    return (
        x.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and torch._C._len_torch_dispatch_stack() == 0
    )


def _fill_and_multiply(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return x Wᵀ + b by PyTorch's operator, of filled rows."""
    by_row = x.reshape(-1, x.shape[-1])
    lacking = round_up_rows(len(by_row)) - len(by_row)
    product = F.linear(F.pad(by_row, (0, 0, 0, lacking)) if lacking else by_row, weight, bias)
    return product[: len(by_row)].view(*x.shape[:-1], len(weight))


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


def _multiply_rows(x: Tensor, weight: Tensor, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    """Return the product of x [filled rows, inputs], [*shape, outputs]: the first rows of it."""
    product = _multiply(x, weight, bias)
    return product[: math.prod(shape)].view(*shape, len(weight))


def _pack(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _PACKED_FOR)
    return packed


class _Linear(torch.autograd.Function):
    """Autograd function of x Wᵀ + b, whose gradients are products of oneDNN, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        filled = fill_rows(x.reshape(-1, x.shape[-1]))
        ctx.save_for_backward(filled, weight)
        ctx.shape = x.shape
        return _multiply_rows(filled, weight, bias, x.shape[:-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        by_row = grads[0].reshape(-1, len(weight))
        filled = fill_rows(by_row)
        by_x = by_weight = by_bias = None
        if ctx.needs_input_grad[0]:
            by_x = _multiply_rows(filled, weight.t(), None, ctx.shape[:-1])
        if ctx.needs_input_grad[1]:
            by_weight = transposed_product(filled, x)
        if ctx.needs_input_grad[2]:
            by_bias = by_row.sum(0)
        return by_x, by_weight, by_bias
