"""PyTorch's fused recurrent layers under autocast, whose type may have no kernel for them.

oneDNN computes an LSTM in bfloat16 only where the processor has the instructions for it (on x86
AVX-512), and raises elsewhere; matrix products have a fallback everywhere. Which cells are
concerned depends on PyTorch's version, the processor and the device, so it is tried.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from munjang.layers.fast.recurrent_steps import can_train, train_steps


def run_fused(
    layer: nn.Module,
    states: Tensor,
    *first: Tensor,
    call: Callable[..., tuple[Any, ...]] | None = None,
) -> tuple[Any, ...]:
    """Run a fused layer of one direction, in float32 if autocast's type has no kernel for its cell.

    With gradients on a CPU, an rnn or gru is computed by `munjang.layers.fast.recurrent_steps`.

    Args:
        layer: `nn.RNN`, `nn.GRU` or `nn.LSTM`, batch first.
        states: [batch, time, dim], of any float type.
        first: the state before the first token, of any float type: the hidden state and, of
            `nn.LSTM`, the memory cell, [1, batch, hidden] each; zeros if omitted.
        call: called with `states` and `first` instead of the layer; all else that it reads is
            float32.

    Returns:
        The outputs of the layer, or of `call`.
    """
    run = partial(_run, layer) if call is None else call
    device = states.device.type
    if not torch.is_autocast_enabled(device):
        return run(states, *first)
    if has_kernel(type(layer), device, torch.get_autocast_dtype(device)):
        return run(states, *first)
    with torch.autocast(device, enabled=False):
        return run(*(tensor.float() for tensor in (states, *first)))


def _run(layer: nn.Module, states: Tensor, *first: Tensor) -> tuple[Any, ...]:
    if can_train(layer, states):
        return train_steps(cast(nn.RNNBase, layer), states, *first)
    begin = first if len(first) > 1 else next(iter(first), None)
    outputs: tuple[Any, ...] = layer(states, begin)
    return outputs


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
