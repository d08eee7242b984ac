"""Which losses fit a task: a wrong one is refused, and the right ones are named."""

from collections.abc import Iterable

from munjang.config import suggest_nearest
from munjang.errors import ConfigError
from munjang.layers.losses import LOSSES
from munjang.layers.number_losses import NUMBER_LOSSES

# Keras' own short names.
SHORT_NAMES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "bce": "binary_crossentropy",
    "logcosh": "log_cosh",
}
_KNOWN = {*LOSSES, *NUMBER_LOSSES}


def resolve_loss(asked: object, task: str, fitting: Iterable[str]) -> object:
    """Return the full name of a loss that a task takes; values other than strings are returned as is.

    Args:
        asked: by the user; `mse` stands for `mean_squared_error`.
        task: name of the task.
        fitting: the losses that it takes.

    Raises:
        ConfigError: the loss is of another task, or there is none of that name.
    """
    if not isinstance(asked, str):
        return asked
    fitting = list(fitting)
    name = SHORT_NAMES.get(asked, asked)
    if name in fitting:
        return name
    right = ", ".join(fitting)
    if name in _KNOWN:
        raise ConfigError(f"{name} does not fit the task {task}, which takes {right}")
    raise ConfigError(
        f"unknown loss '{asked}'{suggest_nearest(asked, [*fitting, *SHORT_NAMES])}; {task} takes {right}"
    )
