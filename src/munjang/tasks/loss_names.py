"""Names of losses, and the losses that fit a task."""

from collections.abc import Iterable

from munjang.config import suggest_nearest
from munjang.errors import ConfigError
from munjang.layers.losses import LOSSES
from munjang.layers.number_losses import NUMBER_LOSSES

# The short names of Keras.
SHORT_NAMES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "bce": "binary_crossentropy",
    "logcosh": "log_cosh",
}
_KNOWN = {*LOSSES, *NUMBER_LOSSES}


def resolve_loss(name: object, task: str, fitting: Iterable[str]) -> object:
    """Return the full name of a loss that fits a task; other values than strings as they are.

    Args:
        name: name or short name; `mse` is `mean_squared_error`.
        task: name of the task.
        fitting: names of the losses that fit the task.

    Raises:
        ConfigError: the loss is for another task, or there is no such loss.
    """
    if not isinstance(name, str):
        return name
    fitting = list(fitting)
    full_name = SHORT_NAMES.get(name, name)
    if full_name in fitting:
        return full_name
    known = ", ".join(fitting)
    if full_name in _KNOWN:
        raise ConfigError(f"{full_name} does not fit the task {task}, which takes {known}")
    raise ConfigError(
        f"unknown loss '{name}'{suggest_nearest(name, [*fitting, *SHORT_NAMES])}; "
        f"{task} takes {known}"
    )
