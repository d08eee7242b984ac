"""Activations by Keras' names, all of them PyTorch functions."""

from collections.abc import Callable
from functools import partial
from typing import Literal, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from munjang.config import suggest_nearest
from munjang.errors import ConfigError

Activation = Literal[
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "gelu_tanh",
    "silu",
    "swish",
    "mish",
    "softplus",
    "softsign",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "softmax",
    "linear",
    "exponential",
]


def _linear(x: Tensor) -> Tensor:
    return x


_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    # Keras' slope; PyTorch's default is 0.01
    "leaky_relu": partial(F.leaky_relu, negative_slope=0.2),
    "elu": F.elu,
    "selu": F.selu,
    # the exact form with erf, as Keras' gelu(approximate=False)
    "gelu": F.gelu,
    # the approximation by tanh, as Keras' gelu(approximate=True) and BERT's "gelu_new"
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "swish": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": F.hardsigmoid,
    "tanh": torch.tanh,
    "softmax": partial(F.softmax, dim=-1),
    "linear": _linear,
    "exponential": torch.exp,
}


# Monotonic: the maximum over time may be taken before them.
MONOTONIC: frozenset[Activation] = frozenset(
    {
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "softplus",
        "softsign",
        "sigmoid",
        "hard_sigmoid",
        "tanh",
        "linear",
        "exponential",
    }
)


def get_activation(name: Activation) -> Callable[[Tensor], Tensor]:
    """Return the activation of that name; `softmax` is over the last dimension.

    Raises:
        ConfigError: the name is unknown; the nearest one is suggested.
    """
    if name not in _FUNCTIONS:
        known = cast(tuple[str, ...], get_args(Activation))
        raise ConfigError(
            f"unknown activation '{name}'{suggest_nearest(name, known)}; known: {', '.join(known)}"
        )
    return _FUNCTIONS[name]
