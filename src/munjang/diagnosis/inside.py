"""What a report shows of the inside of a network: its filters, or how far back it reaches."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.data.table import Table
from munjang.errors import MunjangError
from munjang.explain.filters import Filters, compute_filters
from munjang.explain.memory import Memory, compute_memory
from munjang.inputs.text import HasTokenizer
from munjang.model import Model

# Texts whose gradients are taken.
_TEXTS_OF_MEMORY = 60


def _memory(model: Model, rows: Table) -> Memory | None:
    """Return the memory; None of a network whose states do not depend on other tokens."""
    memory = compute_memory(model, rows, most_texts=_TEXTS_OF_MEMORY)
    reaches = any(any(curve.norms[1:]) for curve in memory.curves)
    return memory if reaches else None


# Views by their name; the first one that a network has is shown.
VIEWS: Mapping[str, Callable[[Model, Table], Filters | Memory | None]] = {
    "filters": compute_filters,
    "memory": _memory,
}


def look_inside(model: Model, rows: Table) -> dict[str, Any]:
    """Return the first view of `VIEWS` that a model of single texts has, by its name; else none.

    Args:
        model: the model.
        rows: the rows of the report.
    """
    if not isinstance(model.input, HasTokenizer) or model.recipe.input != "text":
        return {}
    for name, view in VIEWS.items():
        try:
            found = view(model, rows)
        except MunjangError:  # another architecture, or texts without a token
            continue
        if found is not None:
            return {name: found}
    return {}
