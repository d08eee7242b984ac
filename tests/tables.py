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


def table_of(columns: Mapping[str, Column], **more: Any) -> Table:
    """A table of one file, whose columns are named as their roles."""
    rows = len(next(iter(columns.values())))
    return Table(
        columns=columns,
        rows=np.arange(1, rows + 1),
        files=more.pop("files", ("data",)),
        file_index=np.zeros(rows, dtype=np.int32),
        names=more.pop("names", {role: role for role in columns}),
        **more,
    )


def text_table(texts: list[str], labels: list[Any] | None = None) -> Table:
    """A table of texts, with labels or without."""
    column = {"text": pl.Series(texts, dtype=pl.String)}
    return table_of(column if labels is None else {**column, "label": pl.Series(labels)})


def two_texts_table(
    firsts: list[str], seconds: list[str], labels: list[Any] | None = None
) -> PairTable:
    """A table of two texts per row, with labels or without."""
    columns = {"first": pl.Series(firsts), "second": pl.Series(seconds)}
    if labels is not None:
        columns["label"] = pl.Series(labels)
    return PairTable(**vars(table_of(columns, key_role="first")))


def pair_table(sources: list[str], targets: list[str]) -> Table:
    """A table of sources and targets."""
    columns = {"source": pl.Series(sources), "target": pl.Series(targets)}
    return table_of(columns, key_role="source", target_role="target")


@cache
def texts_of_script(script: Script, rows: int) -> Table:
    """A table of so many equal texts of a script."""
    return table_of({"text": pl.repeat(_A_TEXT[script], rows, dtype=pl.String, eager=True)})
