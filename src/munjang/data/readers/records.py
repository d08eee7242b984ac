"""Records of one source, before columns are chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from munjang.data.readers.faults import Fault
from munjang.text.columns import Int64s


class _Missing:
    """Type of `MISSING`, the value of a key that a JSON line lacks; `None` stands for null."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()

Column = pl.Series | list[Any]

# Names that messages use for the columns of a table: one or more of texts, then that of labels.
Kinds = tuple[str, ...]
TEXT_AND_LABEL: Kinds = ("text", "label")


@dataclass(frozen=True)
class Records:
    """Well-formed records of one file, and the faults of the others.

    Attributes:
        file: name of the file, for messages.
        rows: 1-based line (or row) where each record starts.
        names: column names, in the order of the file.
        column: function from a column name to its values, one per entry of `rows`.
        faults: malformed records, which are not in `rows`.
        notes: assumptions made about the file.
    """

    file: str
    rows: Int64s
    names: tuple[str, ...]
    column: Callable[[str], Column]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
