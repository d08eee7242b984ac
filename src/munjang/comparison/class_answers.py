"""The answers of a classifier to the test part, in memory and on disk that grow with the rows.

A row keeps the probability of its true class and its likeliest classes, ten at most: with ten
classes or fewer that is everything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.stored import Floats, Ints, read_arrays, run_again, write_arrays
from munjang.errors import FolderError

FILE = "classes.safetensors"
_KEPT = 10
# Probabilities of as many rows as have so many of them are held at once.
_MOST_AT_ONCE = 2**20


@dataclass(frozen=True, eq=False)
class ClassAnswers:
    """The probabilities of one run that judging needs.

    Attributes:
        classes: Likeliest classes, the likeliest first, [rows, kept].
        probabilities: Their probabilities, [rows, kept].
        truth: Probability of the true class, [rows].
        count: How many classes there are.
    """

    classes: Ints
    probabilities: Floats
    truth: Floats
    count: int

    @property
    def likeliest(self) -> Ints:
        """The likeliest class of each row, [rows]; of equally likely ones the first."""
        return self.classes[:, 0]

    @classmethod
    def of(cls, probabilities: Floats, targets: Ints) -> Self:
        """Keep the likeliest classes of `probabilities` [rows, classes]; `targets` [rows].

        Raises:
            ValueError: Some are not finite, so that nothing can be judged.
        """
        if not np.isfinite(probabilities).all():
            raise ValueError("some probabilities of the test part are not finite numbers")
        order = _likeliest(probabilities, min(_KEPT, probabilities.shape[1]))
        kept = np.take_along_axis(probabilities, order, axis=1)
        truth = probabilities[np.arange(len(targets)), targets]
        return cls(order.astype(np.int64), kept, truth, probabilities.shape[1])

    @classmethod
    def predicted(
        cls,
        predict_proba: Callable[[Sequence[Any]], Any],
        inputs: Sequence[Any],
        targets: Ints,
        labels: Sequence[str],
    ) -> Self:
        """Answer the test part, some rows at a time.

        Args:
            predict_proba: From inputs to probabilities [rows, classes].
            inputs: All inputs.
            targets: True classes [rows].
            labels: Names of the classes.
        """
        most = max(1, _MOST_AT_ONCE // len(labels))
        parts = [
            cls.of(
                np.asarray(predict_proba(inputs[start : start + most]), dtype=np.float64),
                targets[start : start + most],
            )
            for start in range(0, len(targets), most)
        ]
        return cls(
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.truth for part in parts]),
            len(labels),
        )

    def write(self, run: Path) -> None:
        """Write the answers into the folder of a run."""
        arrays = {"probabilities": self.probabilities, "truth": self.truth}
        write_arrays(run / FILE, {**arrays, "classes": self.classes.astype(np.int32)})

    @classmethod
    def read(cls, run: Path, rows: int, count: int) -> Self:
        """Read what `write` wrote of so many rows and classes.

        Raises:
            FolderError: The file is missing, damaged, or of another test part.
        """
        path = run / FILE
        classes, probabilities, truth = read_arrays(path, ["classes", "probabilities", "truth"])
        shape = (rows, min(_KEPT, count))
        is_whole = classes.shape == probabilities.shape == shape and truth.shape == (rows,)
        if not is_whole or (classes.size and not 0 <= classes.min() <= classes.max() < count):
            raise FolderError(
                f"{path}: expected {rows:,} rows of {shape[1]:,} classes; {run_again(run)}"
            )
        return cls(
            classes.astype(np.int64), probabilities.astype(np.float64), truth.astype(float), count
        )

    def probability_of(self, row: int) -> Floats:
        """Return the probabilities of all classes in one row, [classes]; 0 where none is kept."""
        whole = np.zeros(self.count)
        whole[self.classes[row]] = self.probabilities[row]
        return whole


def _likeliest(probabilities: Floats, count: int) -> Ints:
    """Return the likeliest classes of each row, in descending order, [rows, count].

    The first one is that of `argmax`, also where some are equal.
    """
    best = probabilities.argmax(1)[:, None]
    others = probabilities.copy()
    np.put_along_axis(others, best, -1.0, axis=1)
    largest = np.argpartition(-others, count - 1, axis=1)[:, : count - 1]
    order = np.argsort(-np.take_along_axis(others, largest, axis=1), axis=1, kind="stable")
    return np.hstack([best, np.take_along_axis(largest, order, axis=1)])
