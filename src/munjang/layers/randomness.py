"""Random generators per thread instead of PyTorch's global one.

PyTorch has one generator for all threads. Two trainings at once would take numbers from each
other, and a training would change what its caller draws next. So a training has a
`torch.Generator` of its own: `use_generator` lets the layers of one thread draw from it, and
`seed_initialization` covers PyTorch's own modules too while they are built.

A generator with the same seed gives the same numbers as PyTorch's own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class _ThreadState(threading.local):
    generator: torch.Generator | None = None


_THREAD_STATE = _ThreadState()

# Functions that draw and take a generator. Those of `torch.nn.init` call these.
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


def current_generator() -> torch.Generator | None:
    """Return the generator of the layers in this thread; None = PyTorch's own."""
    return _THREAD_STATE.generator


@contextmanager
def use_generator(generator: torch.Generator) -> Iterator[None]:
    """Let the layers of this thread draw from `generator`, which is on their device."""
    before, _THREAD_STATE.generator = _THREAD_STATE.generator, generator
    try:
        yield
    finally:
        _THREAD_STATE.generator = before


@contextmanager
def seed_initialization(seed: int) -> Iterator[None]:
    """Initialize every module that this thread builds on the CPU from `seed`.

    Every call of PyTorch goes through Python here: cheap while a network is built, but not in
    training.
    """
    own = torch.Generator().manual_seed(seed)
    with use_generator(own), _DefaultGenerator(own):
        yield


class _DefaultGenerator(TorchFunctionMode):
    """Mode that passes a generator to every function that draws without one."""

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
