"""Networks on PyTorch's device `meta`: shapes without numbers, built in no time and no memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode

_SAME_SHAPE = {torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.mul}
_UNINITIALIZED: dict[Any, Any] = {torch.randn: torch.empty, torch.rand: torch.empty}


class WithoutNumbers(TorchFunctionMode):
    """Context in which weights are not initialized.

    Tensors on `meta` need no initial values, for which torch would import its compiler and SymPy:
    more than a second.
    """

    def __torch_function__(
        self: Self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call torch, but skip initialization."""
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        if func in _SAME_SHAPE and not any(isinstance(other, torch.Tensor) for other in args[1:]):
            return args[0]
        return _UNINITIALIZED.get(func, func)(*args, **(kwargs or {}))


@contextmanager
def shapes_only() -> Iterator[None]:
    """Build networks in the block on the device `meta`: shapes, no numbers, no random draws."""
    with torch.device("meta"), WithoutNumbers():
        yield
