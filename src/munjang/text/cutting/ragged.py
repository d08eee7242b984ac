"""Pieces of different lengths laid end to end in one array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.text.columns import Int64s, flat_ranges
from munjang.text.cutting.codepoints import Bools, bounds_of


@dataclass(frozen=True)
class Ragged:
    """Some pieces, end to end.

    Attributes:
        values: all pieces, one after another [values].
        bounds: piece `i` is `values[bounds[i]:bounds[i + 1]]` [pieces + 1].
    """

    values: npt.NDArray[Any]
    bounds: Int64s

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def take(self, places: Int64s) -> "Ragged":
        """Some of the pieces, in the order of `places` [chosen]."""
        return cut_out(self.values, self.bounds.take(places), self.bounds.take(places + 1))

    def same(self, others: "Ragged", places: npt.NDArray[np.integer[Any]]) -> Bools:
        """Whether each piece is the one at its place among `others` [pieces].

        Args:
            others: what to compare with.
            places: one for each piece [pieces]; False where there is none at this place.
        """
        starts = others.bounds.take(places, mode="clip")
        lengths = np.diff(self.bounds)
        answers: Bools = others.bounds.take(places + 1, mode="clip") - starts == lengths
        answers &= places >= 0
        if not len(others.values):
            return answers
        there = others.values.take(flat_ranges(starts, lengths), mode="clip")
        differing = np.flatnonzero(there != self.values)
        answers[np.searchsorted(self.bounds, differing, side="right") - 1] = False
        return answers


def cut_out(values: npt.NDArray[Any], starts: Int64s, ends: Int64s) -> Ragged:
    """The pieces `values[starts[i]:ends[i]]`."""
    lengths = ends - starts
    return Ragged(values.take(flat_ranges(starts, lengths)), bounds_of(lengths))


def concatenate(parts: Sequence[Ragged]) -> Ragged:
    """The pieces of all parts, one part after another."""
    return Ragged(
        np.concatenate([part.values for part in parts]),
        bounds_of(np.concatenate([np.diff(part.bounds) for part in parts])),
    )
