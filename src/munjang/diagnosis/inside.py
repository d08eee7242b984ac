"""View of the inside of a network for a report: its filters, or how far back it reaches."""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.data.table import Table
from munjang.errors import MunjangError
from munjang.explain.filters import Filters, compute_filters
from munjang.explain.jacobian import PROBES
from munjang.explain.memory import MOMENTS, Memory, compute_memory
from munjang.explain.token_network import open_network
from munjang.explain.token_rows import encode_rows
from munjang.inputs.text import HasTokenizer
from munjang.layers.parameters import count_parameters, embedding_tables
from munjang.model import Model

# Texts whose gradients are taken, at most and at least, and multiply-adds for all of them: some
# ten seconds of one core.
_MOST_TEXTS, _FEWEST_TEXTS, _MOST_PRODUCTS = 60, 5, 5e11


def _memory(model: Model, rows: Table) -> Memory | None:
    """Return the memory.

    None of a network whose states do not depend on other tokens, and of one so large, on texts so
    long, that it would take minutes.
    """
    network = open_network(model.network).module  # another one is refused before anything is drawn
    texts = encode_rows(model, rows, most=_MOST_TEXTS)
    tables = sum(table.numel() for table in embedding_tables(network))
    passes = 3 * PROBES * len(MOMENTS)  # a backward pass is two forward passes
    products = max(1, count_parameters(network) - tables) * len(texts.values) * passes
    most = int(len(texts) * min(1.0, _MOST_PRODUCTS / products))
    if most < min(_FEWEST_TEXTS, len(texts)):
        return None
    memory = compute_memory(model, rows, most_texts=most)
    reaches = any(any(curve.norms[1:]) for curve in memory.curves)
    return memory if reaches else None


def _filters(model: Model, rows: Table) -> Filters | None:
    """Return the filters; None where an answer is several labels, of which a filter names one."""
    return None if model.recipe.task == "multilabel" else compute_filters(model, rows)


# Views by their name; the first one that a network has is shown.
VIEWS: Mapping[str, Callable[[Model, Table], Filters | Memory | None]] = {
    "filters": _filters,
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
        except (MunjangError, MemoryError):  # another architecture, or texts without a token
            continue
        if found is not None:
            return {name: found}
    return {}
