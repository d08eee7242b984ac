"""Random numbers that belong to whoever draws them, and not to the whole process.

PyTorch has one generator for all threads. Two trainings at once would take numbers from one
another, and a training would change what its caller draws next. A training therefore has a
`torch.Generator` of its own: `drawing_from` lets the layers of one thread draw from it, and
`initializing_from` also what PyTorch's own modules draw when they are built.

A generator that is seeded alike gives the numbers that PyTorch's own would.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class _OfThread(threading.local):
    generator: torch.Generator | None = None


_OF_THREAD = _OfThread()

# What draws, and takes a generator. `torch.nn.init` has functions of its own over these.
_DRAWS = {
    Tensor.normal_,
    Tensor.uniform_,
    Tensor.random_,
    Tensor.bernoulli_,
    torch.rand,
    torch.randn,
    torch.randint,
    torch.randperm,
    torch.bernoulli,
    torch.normal,
}


def generator() -> torch.Generator | None:
    """Return what layers draw from in this thread; None stands for PyTorch's own generator."""
    return _OF_THREAD.generator


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let layers of this thread draw from `generator`, which is on their device."""
    before, _OF_THREAD.generator = _OF_THREAD.generator, generator
    try:
        yield
    finally:
        _OF_THREAD.generator = before


@contextmanager
def initializing_from(seed: int) -> Iterator[None]:
    """Let every module that this thread builds on the CPU begin with numbers of `seed`.

    Every call of PyTorch goes through Python here, which building does not notice and a training
    would.
    """
    own = torch.Generator().manual_seed(seed)
    with drawing_from(own), _Giving(own):
        yield


class _Giving(TorchFunctionMode):
    """Gives a generator to every function that draws and was given none."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        draws = func in _DRAWS or "generator" in kwargs
        if draws and kwargs.get("generator") is None:
            kwargs = {**kwargs, "generator": self.generator}
        return func(*args, **kwargs)
