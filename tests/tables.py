"""Tables as readers give them, made of columns, for tests."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from munjang.data.table import Column, Table
from munjang.data.two_texts.table import PairTable
from munjang.text.script import Script

_A_TEXT: dict[Script, str] = {"korean": "정말 재미있는 영화", "other": "a lovely film"}


def make_table(columns: Mapping[str, Column], **more: Any) -> Table:
    """Return a table of one file, whose columns are named as their roles."""
    rows = len(next(iter(columns.values())))
    return Table(
        columns=columns,
        rows=np.arange(1, rows + 1),
        files=more.pop("files", ("data",)),
        file_index=np.zeros(rows, dtype=np.int32),
        names=more.pop("names", {role: role for role in columns}),
        **more,
    )


def make_text_table(texts: list[str], labels: list[Any] | None = None) -> Table:
    """Return a table of texts, with labels or without."""
    column = {"text": pl.Series(texts, dtype=pl.String)}
    return make_table(column if labels is None else {**column, "label": pl.Series(labels)})


def make_two_texts_table(
    firsts: list[str], seconds: list[str], labels: list[Any] | None = None
) -> PairTable:
    """Return a table of two texts per row, with labels or without."""
    columns = {"first": pl.Series(firsts), "second": pl.Series(seconds)}
    if labels is not None:
        columns["label"] = pl.Series(labels)
    return PairTable(**vars(make_table(columns, key_role="first")))


def make_pair_table(sources: list[str], targets: list[str]) -> Table:
    """Return a table of sources and targets."""
    columns = {"source": pl.Series(sources), "target": pl.Series(targets)}
    return make_table(columns, key_role="source", target_role="target")


@cache
def make_script_table(script: Script, rows: int) -> Table:
    """Return a table of equal texts of a script."""
    return make_table({"text": pl.repeat(_A_TEXT[script], rows, dtype=pl.String, eager=True)})
