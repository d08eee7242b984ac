"""PyTorch's fused recurrent layers under autocast, whose type may have no kernel for them.

oneDNN computes an LSTM in bfloat16 only where the processor has the instructions for it (on x86
AVX-512), and raises elsewhere; matrix products have a fallback everywhere. Which cells are
concerned depends on PyTorch's version, the processor and the device, so it is tried.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def run_fused(
    layer: nn.Module, *inputs: Tensor, call: Callable[..., tuple[Any, ...]] | None = None
) -> tuple[Any, ...]:
    """Run a fused layer, in float32 if autocast's type has no kernel for its cell.

    Args:
        layer: `nn.RNN`, `nn.GRU` or `nn.LSTM`.
        inputs: tensors of any float type.
        call: called with `inputs` instead of the layer; all else that it reads is float32.

    Returns:
        The outputs of the layer, or of `call`.
    """
    run = layer if call is None else call
    device = inputs[0].device.type
    if not torch.is_autocast_enabled(device):
        return run(*inputs)
    if has_kernel(type(layer), device, torch.get_autocast_dtype(device)):
        return run(*inputs)
    with torch.autocast(device, enabled=False):
        return run(*(tensor.float() for tensor in inputs))


def has_kernel(cell: type[nn.Module], device: str, dtype: torch.dtype) -> bool:
    """Return whether a layer of this cell trains and predicts under autocast to `dtype`.

    The result of the first try is kept.
    """
    key = cell, device, dtype
    if key not in _TRIED:
        _TRIED[key] = _runs(cell, device, dtype)
    return _TRIED[key]


_TRIED: dict[tuple[type[nn.Module], str, torch.dtype], bool] = {}


def _runs(cell: type[nn.Module], device: str, dtype: torch.dtype) -> bool:
    """Try the smallest layer, forward and backward, without drawing random numbers."""
    with torch.inference_mode(False):
        layer = cell(1, 1, batch_first=True, device="meta").to_empty(device=device)
        ones = torch.ones(1, 1, 1, device=device)
        try:
            with torch.autocast(device, dtype):
                with torch.enable_grad():
                    layer(ones)[0].sum().backward()
                with torch.no_grad():
                    layer.eval()(ones)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            return False
    return True
