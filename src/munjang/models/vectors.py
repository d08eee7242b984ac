"""One vector per row of an encoder, by a pooling that need not be the one it was trained with."""

from collections.abc import Callable
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from torch import Tensor

from munjang.config import suggest_nearest
from munjang.errors import ConfigError
from munjang.layers.masking import first_state, masked_max, masked_mean

VectorPooling = Literal["mean", "first", "max", "pooled"]
VECTOR_POOLINGS: tuple[str, ...] = get_args(VectorPooling)

_OF_STATES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": masked_mean,
    "first": first_state,
    "max": masked_max,
}


@runtime_checkable
class GivesStates(Protocol):
    """An encoder with one state per token."""

    @property
    def states_dim(self) -> int:
        """Width of a state."""

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return one state per token, [batch, time, states_dim]."""


def choose_pooling(encoder: Any, pooling: str | None) -> str:
    """Return the pooling of an encoder's vectors: the one asked for, or its default.

    The default is `mean` of an encoder with states, and `pooled`, its own vector, of any other.

    Raises:
        ConfigError: there is no such pooling, or the encoder has no states.
    """
    has_states = isinstance(encoder, GivesStates)
    if pooling is None:
        return "mean" if has_states else "pooled"
    if pooling not in VECTOR_POOLINGS:
        raise ConfigError(
            f"unknown pooling '{pooling}'{suggest_nearest(pooling, VECTOR_POOLINGS)}; known: "
            f"{', '.join(VECTOR_POOLINGS)}"
        )
    if pooling != "pooled" and not has_states:
        name = type(encoder).__name__.lower()
        raise ConfigError(
            f"pooling: the model {name} has no state per token to take the {pooling} of; choose "
            "pooled, or leave it out"
        )
    return pooling


def vector_dim(encoder: Any, pooling: str) -> int:
    """Return the width of an encoder's vectors under a pooling of `choose_pooling`."""
    return int(encoder.pooled_dim if pooling == "pooled" else encoder.states_dim)


def pool_vectors(encoder: Any, pooling: str, *inputs: Tensor) -> Tensor:
    """Return one vector per row, [batch, dim].

    Args:
        encoder: an encoder.
        pooling: a result of `choose_pooling`. All real tokens count, GO and EOS included.
        *inputs: arguments of the encoder, such as ids and mask.
    """
    if pooling == "pooled":
        pooled: Tensor = encoder(*inputs).pooled
        return pooled
    return _OF_STATES[pooling](encoder.states(*inputs), inputs[1])
