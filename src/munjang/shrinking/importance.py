"""Importance of the rows of embedding tables: how far training moved them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from munjang.explain.redraw import is_pretrained, redraw_network
from munjang.layers.ngram_rows import MarksNgrams
from munjang.layers.parameters import embedding_tables
from munjang.model import Model

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.bool_]


def find_tables(model: Model) -> dict[str, torch.Tensor]:
    """Return the embedding tables of a model by name, [rows, dim] each."""
    tables = {id(table) for table in embedding_tables(model.network)}
    named = model.network.named_parameters()
    return {name: value.detach() for name, value in named if id(value) in tables}


def measure_importance(model: Model) -> dict[str, Floats]:
    """Return how much each row of the embedding tables has learned, [rows], by table.

    It is the distance of the row from where its training began, which follows from the recipe and
    its seed: a row that no text touched has learned nothing and only adds noise. Of a model that
    began from pretrained weights, which its folder does not keep, it is the length of the row.
    """
    tables = find_tables(model)
    start: Mapping[str, torch.Tensor] = {}
    if not is_pretrained(model):
        start = redraw_network(model).state_dict()
    importance = {}
    for name, table in tables.items():
        begun = start.get(name)
        moved = table if begun is None or begun.shape != table.shape else table - begun
        importance[name] = moved.norm(dim=1).numpy()
    return importance


def mark_ngrams(model: Model, kept: Mapping[str, Rows]) -> dict[str, Rows]:
    """Return the marks of n-grams that have a row and keep it, by the name of their bitmap.

    Args:
        model: the model.
        kept: which rows stay, [rows], by table.
    """
    marks = {}
    for name, module in model.network.named_modules():
        bitmap = getattr(module, module.bitmap, None) if isinstance(module, MarksNgrams) else None
        if bitmap is not None:
            tables = (f"{name}.weight", f"{name.rpartition('.')[0]}.weight")
            rows = next(kept[table] for table in tables if table in kept)
            flags = np.unpackbits(bitmap.numpy()).astype(bool)
            marks[f"{name}.{module.bitmap}"] = flags & rows[module.rows_of_cells()]
    return marks
