"""`y` of multilabel classification: sets of labels, or an indicator matrix."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from munjang.data.collection import collect_values, is_table
from munjang.errors import DataError
from munjang.estimators.targets import match_forms, name_labels, unify_forms

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Indicator:
    """Sets of labels as a matrix.

    Attributes:
        matrix: True where a row has a label, [rows, labels].
        labels: labels of the columns [labels].
        is_given: whether `y` was a matrix, whose columns must be those of the training.
    """

    matrix: Bools
    labels: npt.NDArray[Any]
    is_given: bool

    def __len__(self) -> int:
        return len(self.matrix)


@dataclass(frozen=True)
class LabelSets:
    """Any number of labels per row.

    Attributes:
        classes: the labels, sorted; of a matrix those of its columns [labels].
        names: what munjang calls them, strings [labels].
    """

    classes: npt.NDArray[Any]
    names: npt.NDArray[np.object_]
    noun: ClassVar[str] = "labels"

    @staticmethod
    def read(y: Any) -> Indicator:
        """Return sets of labels, or a matrix of 0 and 1, as an indicator.

        Lists of one length that hold only 0 and 1 are a matrix, as everywhere in scikit-learn.
        """
        if len(getattr(y, "shape", ())) >= 2:
            return _read_matrix(y)
        if isinstance(y, str) or not hasattr(y, "__iter__"):
            raise DataError(_expected(y))
        rows = collect_values(y, "set of labels", nested=True)
        if _is_matrix(rows):
            return _read_matrix(np.array(rows))
        return _read_sets(rows)

    @classmethod
    def fit(cls, y: Indicator) -> Self:
        """Return the labels of some sets."""
        seen = int(y.matrix.any(axis=0).sum())
        if seen < 2:
            raise DataError(f"expected two labels or more in y, got {seen} that any row has")
        return cls(y.labels, name_labels(y.labels))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The labels by name: a column of a matrix is one even if no row has it."""
        return {"labels": self.names.tolist()}

    def align(self, y: Indicator) -> tuple[Bools, Bools]:
        """Return sets of labels with the columns of the training.

        Returns:
            Whether a row has a label [rows, labels], and whether it has one that is not among
            those of the training [rows].

        Raises:
            DataError: a matrix has another number of columns.
        """
        if y.is_given:
            if len(y.labels) != len(self.classes):
                raise DataError(
                    f"expected an indicator matrix of {len(self.classes)} columns, one per label "
                    f"of the training, got {len(y.labels)}"
                )
            return y.matrix, np.zeros(len(y), dtype=np.bool_)
        places = {label: place for place, label in enumerate(self.classes.tolist())}
        labels = match_forms(y.labels, self.classes).tolist()
        matrix = np.zeros((len(y), len(self.classes)), dtype=np.bool_)
        has_unknown = np.zeros(len(y), dtype=np.bool_)
        for label, column in zip(labels, y.matrix.T, strict=True):
            if label in places:
                matrix[:, places[label]] |= column
            else:
                has_unknown |= column
        return matrix, has_unknown

    def encode(self, y: Indicator) -> list[list[str]]:
        """Return the names of the labels of each row."""
        matrix, has_unknown = self.align(y)
        if has_unknown.any():
            known = set(self.classes.tolist())
            labels = match_forms(y.labels, self.classes).tolist()
            unknown = next(label for label in labels if label not in known)
            raise DataError(f"the label {unknown!r} is not among those to train on")
        return [self.names[row].tolist() for row in matrix]


def _expected(value: object, place: str = "") -> str:
    return (
        f"{place}expected a list or set of labels per row, or an indicator matrix [rows, labels] "
        f"of 0 and 1, got {type(value).__name__}"
    )


def _is_matrix(rows: Sequence[Any]) -> bool:
    """Return whether lists are rows of a matrix of 0 and 1."""
    if not rows or not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return False
    if len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
        return False
    return all(not isinstance(value, str) and value in (0, 1) for row in rows for value in row)


def _read_matrix(y: Any) -> Indicator:
    names = [str(name) for name in y.columns] if is_table(y) else None
    if hasattr(y, "toarray"):
        y = y.toarray()  # sparse
    matrix = np.asarray(y)
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise DataError(
            "expected an indicator matrix [rows, labels] of two labels or more, got the shape "
            f"{matrix.shape}"
        )
    wrong = np.argwhere((matrix != 0) & (matrix != 1))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise DataError(
            f"y[{row}, {column}]: expected 0 or 1 in an indicator matrix [rows, labels], got "
            f"{matrix[row, column]!s:.40}"
        )
    labels = np.arange(matrix.shape[1]) if names is None else np.array(names, dtype=object)
    return Indicator(matrix.astype(np.bool_), labels, is_given=True)


def _read_sets(rows: Sequence[Any]) -> Indicator:
    sets = [_read_set(row, place) for place, row in enumerate(rows)]
    flat = [label for labels in sets for label in labels]
    forms = unify_forms(_to_array(flat)).tolist()
    try:
        distinct = sorted(set(forms))
    except TypeError:
        kinds = ", ".join(sorted({type(label).__name__ for label in flat}))
        raise DataError(f"expected labels of one type in y, got {kinds}") from None
    places = {label: place for place, label in enumerate(distinct)}
    matrix = np.zeros((len(sets), len(distinct)), dtype=np.bool_)
    owners = np.repeat(np.arange(len(sets)), [len(labels) for labels in sets])
    matrix[owners, [places[label] for label in forms]] = True
    return Indicator(matrix, _to_array(distinct), is_given=False)


def _read_set(row: Any, place: int) -> list[Any]:
    if isinstance(row, str):
        raise DataError(
            f"y[{place}]: expected a list or set of labels, got the string {row!r:.40}; split it, "
            'as in [row.split("|") for row in y]'
        )
    if isinstance(row, Mapping) or not isinstance(row, Iterable):
        raise DataError(_expected(row, f"y[{place}]: "))
    labels = [label.item() if isinstance(label, np.generic) else label for label in row]
    for label in labels:
        if not isinstance(label, str | int | float) or label != label:
            raise DataError(
                f"y[{place}]: expected labels that are strings or numbers, got {label!r:.40}"
            )
    return labels


def _to_array(labels: list[Any]) -> npt.NDArray[Any]:
    """Return labels as an array: of whole numbers, or of objects."""
    are_whole = bool(labels) and all(type(label) is int for label in labels)
    return np.array(labels, dtype=np.int64 if are_whole else object)
