"""Rows grouped by the length of their source."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from munjang.comparison.statistics import Ints

Unit = Literal["words", "characters"]

# Names, dates and numbers have a word or two each: their lengths are counted in characters.
_FEWEST_WORDS = 4
_MOST_GROUPS = 6


@dataclass(frozen=True, eq=False)
class LengthGroup:
    """Rows whose sources have about the same length.

    Attributes:
        shortest: Length of the shortest source.
        longest: Length of the longest.
        mean: Mean length.
        rows: Places of the rows.
    """

    shortest: int
    longest: int
    mean: float
    rows: Ints

    @property
    def name(self) -> str:
        """The lengths as text, such as `5-8`."""
        if self.shortest == self.longest:
            return str(self.shortest)
        return f"{self.shortest}-{self.longest}"


@dataclass(frozen=True)
class Lengths:
    """All rows, grouped by the length of their source, the shortest first.

    Attributes:
        unit: Words between white space, or characters where most sources have few words.
        groups: Of about equal size, as far as rows of the same length allow.
    """

    unit: Unit
    groups: tuple[LengthGroup, ...]


def group_by_length(sources: Sequence[str], most: int = _MOST_GROUPS) -> Lengths:
    """Group rows by the length of their source, equal lengths together, into `most` or fewer."""
    words = np.array([len(source.split()) for source in sources], dtype=np.int64)
    unit: Unit = "words" if np.median(words) >= _FEWEST_WORDS else "characters"
    lengths = words if unit == "words" else np.array([len(source) for source in sources])
    inner = np.linspace(0, 1, most + 1)[1:-1]
    edges = np.unique(np.quantile(lengths, inner, method="inverted_cdf"))
    which = np.searchsorted(edges, lengths)
    places = (np.flatnonzero(which == group) for group in range(len(edges) + 1))
    groups = (
        LengthGroup(
            int(lengths[rows].min()),
            int(lengths[rows].max()),
            float(lengths[rows].mean()),
            rows,
        )
        for rows in places
        if len(rows)
    )
    return Lengths(unit, tuple(groups))
