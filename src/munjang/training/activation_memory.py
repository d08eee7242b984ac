"""Check before training that the activations of a batch fit in memory."""

from collections.abc import Iterable
from typing import Any

from munjang.data.buckets import Group
from munjang.errors import ConfigError
from munjang.memory import total_memory
from munjang.telling import counted


def check_activations_fit(groups: Iterable[Group], recipe: Any) -> None:
    """Raise if this machine has too little memory for the activations of the largest batch.

    Args:
        groups: the batches.
        recipe: its `activations_per_row`, if it has one, counts 4-byte numbers per row that all
            layers keep together. Without it nothing is checked.

    Raises:
        ConfigError: a batch needs too much; the message says how much.
    """
    per_row, available = getattr(recipe, "activations_per_row", None), total_memory()
    if per_row is None or not available:
        return
    rows = max(len(group.rows) for group in groups)
    needed = 4 * rows * per_row
    if needed > available:
        height, width = recipe.images.size
        raise ConfigError(
            f"training: out of memory: a batch of {counted(rows, 'image')} of {height}x{width} "
            f"needs {needed / 1e9:,.1f} GB or more for the activations of {recipe.model_name}, and "
            f"this machine has {available / 1e9:,.1f} GB; lower training.batch_rows, images.size "
            "or model.filters"
        )
