"""Tables of two texts per row."""

import numpy as np
import polars as pl

from munjang.data.splits import number_distinct_texts
from munjang.data.table import Table
from munjang.text.columns import Int64s
from munjang.text.normalize import normalize
from munjang.text.segmentation.codepoints import Bools

FIRST, SECOND, LABEL = "first", "second", "label"

_SEPARATOR = " | "


class PairTable(Table):
    """Rows with the roles `first`, `second` and, unless there are none, `label`."""

    @property
    def keys(self) -> pl.Series:
        """Both texts of each row as "first | second"; a bar within a text is doubled."""
        return join_pairs(self[FIRST], self[SECOND])

    @property
    def split_keys(self) -> pl.Series:
        """Both texts of each row in sorted order: a pair and its reverse are equal."""
        first, second = (normalize(self[role]).str.strip_chars() for role in (FIRST, SECOND))
        in_order = first <= second
        lower, upper = (
            pl.select(pl.when(in_order).then(one).otherwise(other)).to_series()
            for one, other in ((first, second), (second, first))
        )
        return join_pairs(lower, upper)

    @property
    def texts(self) -> pl.Series:
        """All texts, [2 x rows]: those of the first column, then those of the second."""
        sides: list[pl.Series] = [self[FIRST], self[SECOND]]
        return pl.concat([side.rename("text") for side in sides])


def join_pairs(first: pl.Series, second: pl.Series) -> pl.Series:
    """Return "first | second" for each row; different pairs give different strings."""
    sides = [side.rename("").str.replace_all("|", "||", literal=True) for side in (first, second)]
    return (sides[0] + _SEPARATOR + sides[1]).rename("pair")


def share_texts(train: PairTable, other: PairTable) -> Bools:
    """Return True for each row of `other` with a text, of either column, that is in `train`."""
    numbers: Int64s = number_distinct_texts(pl.concat([train.texts, other.texts]))
    known, asked = numbers[: 2 * len(train)], numbers[2 * len(train) :]
    found = np.isin(asked, known).reshape(2, len(other))
    return np.asarray(found.any(axis=0))
