"""What one file holds before its columns are chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from munjang.data.readers.faults import Fault
from munjang.text.columns import Int64s


class _Missing:
    """The value of a key that a JSON line does not have; `None` would say that it is null."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()

Column = pl.Series | list[Any]

# What messages call the two columns of a table.
Kinds = tuple[str, str]
TEXT_AND_LABEL: Kinds = ("text", "label")


@dataclass(frozen=True)
class Records:
    """The well-formed records of one file, and the faults of the others.

    Attributes:
        file: name for messages.
        rows: 1-based line (or row) where each record starts.
        names: column names, in the order of the file.
        column: the values of a named column, one for each of `rows`.
        faults: records that have no such values, and so are not in `rows`.
        notes: what was assumed about the file.
    """

    file: str
    rows: Int64s
    names: tuple[str, ...]
    column: Callable[[str], Column]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
