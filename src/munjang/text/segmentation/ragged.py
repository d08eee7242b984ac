"""Ragged arrays: pieces of different lengths in one flat array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.text.columns import Int64s, flat_ranges
from munjang.text.segmentation.codepoints import Bools, bounds_of


@dataclass(frozen=True)
class Ragged:
    """A ragged array.

    Attributes:
        values: the pieces, concatenated [values].
        bounds: piece `i` is `values[bounds[i]:bounds[i + 1]]` [pieces + 1].
    """

    values: npt.NDArray[Any]
    bounds: Int64s

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def take(self, places: Int64s) -> "Ragged":
        """Return the pieces at some indices, in their order [chosen]."""
        return cut_out(self.values, self.bounds.take(places), self.bounds.take(places + 1))

    def same(self, others: "Ragged", places: npt.NDArray[np.integer[Any]]) -> Bools:
        """Return whether each piece equals the one at its index among `others` [pieces].

        Args:
            others: pieces to compare with.
            places: an index into `others` per piece [pieces]; the result is False for -1.
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
    """Gather the pieces `values[starts[i]:ends[i]]`."""
    lengths = ends - starts
    return Ragged(values.take(flat_ranges(starts, lengths)), bounds_of(lengths))


def concatenate(parts: Sequence[Ragged]) -> Ragged:
    """Concatenate the pieces of all parts."""
    return Ragged(
        np.concatenate([part.values for part in parts]),
        bounds_of(np.concatenate([np.diff(part.bounds) for part in parts])),
    )
