"""The answers of a multilabel model to the test part: the set of each row, and its log loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from munjang.comparison.stored import Bools, Floats, Ints, read_arrays, run_again, write_arrays
from munjang.errors import FolderError

FILE = "sets.safetensors"
_MOST_AT_ONCE = 2**20
_FLOOR = float(np.finfo(np.float64).eps)  # scikit-learn's floor of a probability


@dataclass(frozen=True, eq=False)
class SetAnswers:
    """The answers of one run that judging needs.

    Attributes:
        labels: Numbers of the labels of all rows, one set after the other.
        starts: Where the set of each row begins, [rows + 1].
        loss: Log loss of each row, the mean over labels, in nats, [rows].
    """

    labels: Ints
    starts: Ints
    loss: Floats

    @classmethod
    def of(cls, probabilities: Floats, chosen: Bools, targets: Bools) -> Self:
        """Keep sets and losses; all [rows, labels].

        Raises:
            ValueError: Some probabilities are not finite, so that nothing can be judged.
        """
        if not np.isfinite(probabilities).all():
            raise ValueError("some probabilities of the test part are not finite numbers")
        likelihood = np.where(targets, probabilities, 1 - probabilities)
        loss = -np.log(likelihood.clip(_FLOOR, 1 - _FLOOR)).mean(1)
        starts = np.concatenate([[0], np.cumsum(chosen.sum(1))])
        return cls(np.nonzero(chosen)[1], starts, loss)

    @classmethod
    def predicted(
        cls,
        predict: Callable[[Sequence[str]], tuple[Floats, Bools]],
        inputs: Sequence[str],
        targets: Bools,
    ) -> Self:
        """Answer the test part, some rows at a time.

        Args:
            predict: From texts to probabilities, and which labels are chosen; both [texts, labels].
            inputs: All texts.
            targets: Which labels each has, [texts, labels].
        """
        most = max(1, _MOST_AT_ONCE // targets.shape[1])
        parts = [
            cls.of(*predict(inputs[start : start + most]), targets[start : start + most])
            for start in range(0, len(targets), most)
        ]
        sizes = np.concatenate([np.diff(part.starts) for part in parts])
        return cls(
            np.concatenate([part.labels for part in parts]),
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([part.loss for part in parts]),
        )

    def write(self, run: Path) -> None:
        """Write the answers into the folder of a run."""
        labels, starts = self.labels.astype(np.int32), self.starts.astype(np.int64)
        write_arrays(run / FILE, {"labels": labels, "starts": starts, "loss": self.loss})

    @classmethod
    def read(cls, run: Path, rows: int, count: int) -> Self:
        """Read what `write` wrote of so many rows and labels.

        Raises:
            FolderError: The file is missing, damaged, or of another test part.
        """
        path = run / FILE
        labels, starts, loss = read_arrays(path, ["labels", "starts", "loss"])
        is_whole = (
            starts.shape == (rows + 1,)
            and loss.shape == (rows,)
            and starts[0] == 0
            and starts[-1] == len(labels)
            and bool((np.diff(starts) >= 0).all())
            and (not len(labels) or 0 <= labels.min() <= labels.max() < count)
        )
        if not is_whole:
            raise FolderError(f"{path}: expected {rows:,} sets of labels; {run_again(run)}")
        return cls(labels.astype(np.int64), starts.astype(np.int64), loss.astype(float))

    def row(self, row: int) -> Ints:
        """Return the numbers of the labels of one row."""
        return self.labels[self.starts[row] : self.starts[row + 1]]
