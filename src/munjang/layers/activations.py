"""Activations by the names that Keras gave them, all of them PyTorch's own functions."""

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
    # Keras' slope; PyTorch's own default is 0.01
    "leaky_relu": partial(F.leaky_relu, negative_slope=0.2),
    "elu": F.elu,
    "selu": F.selu,
    # the exact form with erf, as Keras' gelu(approximate=False)
    "gelu": F.gelu,
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


# A higher number in never gives a lower number out, so a maximum may be taken before them.
RISING: frozenset[Activation] = frozenset(
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


def activation(name: Activation) -> Callable[[Tensor], Tensor]:
    """The function of that name; shapes stay, `softmax` runs over the last dimension.

    Raises:
        ConfigError: no activation has this name; the nearest one is named.
    """
    if name not in _FUNCTIONS:
        known = cast(tuple[str, ...], get_args(Activation))
        raise ConfigError(
            f"unknown activation '{name}'{suggest_nearest(name, known)}; known: {', '.join(known)}"
        )
    return _FUNCTIONS[name]
