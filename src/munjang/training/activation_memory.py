"""Check before training that the activations of a batch fit in memory."""

from collections.abc import Iterable
from typing import Any

from munjang.data.buckets import Group
from munjang.errors import ConfigError
from munjang.memory import total_memory
from munjang.reporting import pluralize


def check_activations_fit(groups: Iterable[Group], recipe: Any, size: Any) -> None:
    """Raise if this machine has too little memory for the activations of the largest batch.

    Args:
        groups: the batches.
        recipe: its section `model` may have a method `activations(size)`: 4-byte numbers per row
            that all layers keep together. Without it nothing is checked.
        size: of the input.

    Raises:
        ConfigError: a batch needs too much; the message says how much.
    """
    count, available = getattr(recipe.model, "activations", None), total_memory()
    if count is None or not available:
        return
    per_row = count(size)
    rows = max(len(group.rows) for group in groups)
    needed = 4 * rows * per_row
    if needed > available:
        raise ConfigError(
            f"training: out of memory: a batch of {pluralize(rows, recipe.input)} of "
            f"{_describe(size)} needs {needed / 1e9:,.1f} GB or more for the activations of "
            f"{recipe.model_name}, and this machine has {available / 1e9:,.1f} GB; lower "
            "training.batch_size, the size of the images or model.filters"
        )


def _describe(size: Any) -> str:
    """Return the size of an input for people; the first number of a shape is its channels."""
    return "x".join(map(str, size[1:])) if isinstance(size, tuple) else str(size)
