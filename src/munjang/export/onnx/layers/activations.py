"""Activations as standard operators, by the functions of `munjang.layers.activations`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from munjang.errors import ConfigError
from munjang.export.onnx.graph import Graph, Value
from munjang.layers.activations import get_activation

Write = Callable[[Graph, Value], Value]


def _node(kind: str, **attributes: Any) -> Write:
    return lambda graph, x: graph.op(kind, x, **attributes)


def _silu(graph: Graph, x: Value) -> Value:
    return graph.op("Mul", x, graph.op("Sigmoid", x))


def _linear(graph: Graph, x: Value) -> Value:
    return x


# Constants that are not ONNX's own defaults are those of PyTorch's functions.
_WRITTEN: Mapping[str, Write] = {
    "relu": _node("Relu"),
    "leaky_relu": _node("LeakyRelu", alpha=0.2),
    "elu": _node("Elu", alpha=1.0),
    "selu": _node("Selu"),
    "gelu": _node("Gelu"),
    "gelu_tanh": _node("Gelu", approximate="tanh"),
    "silu": _silu,
    "swish": _silu,
    "mish": _node("Mish"),
    "softplus": _node("Softplus"),
    "softsign": _node("Softsign"),
    "sigmoid": _node("Sigmoid"),
    "hard_sigmoid": _node("HardSigmoid", alpha=1 / 6, beta=0.5),
    "tanh": _node("Tanh"),
    "softmax": _node("Softmax", axis=-1),
    "linear": _linear,
    "exponential": _node("Exp"),
}


def _key(function: Any) -> Any:
    """Return what tells the functions of activations apart; partial functions are made anew."""
    if isinstance(function, partial):
        return function.func, tuple(sorted(function.keywords.items()))
    return function


def write_activation(graph: Graph, function: Any, x: Value) -> Value:
    """Apply an activation to `x`.

    Raises:
        ConfigError: the function is none of `munjang.layers.activations`.
    """
    by_function = {_key(get_activation(name)): write for name, write in _WRITTEN.items()}  # type: ignore[arg-type]
    write = by_function.get(_key(function))
    if write is None:
        raise ConfigError(
            f"export onnx: the activation {getattr(function, '__name__', function)} has no "
            "description as standard operators"
        )
    return write(graph, x)
