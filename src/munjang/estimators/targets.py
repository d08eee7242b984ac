"""`y` of an estimator: from what users give to what munjang trains on, and back."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from munjang.data.readers.values import clean_labels
from munjang.errors import DataError
from munjang.estimators.rows import read_texts
from munjang.names import label_key, normalize_name


class Targets(Protocol):
    """The conversion of one kind of `y`. An instance is fitted to the `y` of the training.

    Attributes:
        noun: what messages call the entries of `y`.
    """

    noun: ClassVar[str]

    @staticmethod
    def read(y: Any) -> Any:
        """Return `y` in one form, with a length: [rows] or [rows, labels].

        Raises:
            ValueError: `y` cannot be used.
        """

    @classmethod
    def fit(cls, y: Any) -> Self:
        """Return the conversion for a `y` that was read.

        Raises:
            DataError: nothing can be learned from it.
        """

    def encode(self, y: Any) -> Any:
        """Return a `y` that was read as munjang trains on it, an entry per row.

        Raises:
            DataError: a label is not among those of the training.
        """

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the recipe that follow from `y`, nested."""


@dataclass(frozen=True)
class Classes:
    """One label of any type per row.

    Attributes:
        classes: the labels, sorted [classes].
        names: what munjang calls them, strings [classes].
    """

    classes: npt.NDArray[Any]
    names: npt.NDArray[np.object_]
    noun: ClassVar[str] = "labels"
    settings: ClassVar[Mapping[str, Any]] = {}

    @staticmethod
    def read(y: Any) -> npt.NDArray[Any]:
        """Return labels as an array [rows]."""
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        return np.asarray(labels)

    @classmethod
    def fit(cls, y: npt.NDArray[Any]) -> Self:
        """Return the classes of some labels."""
        classes = np.unique(unify_forms(y))
        if len(classes) < 2:
            raise DataError(f"expected two classes or more in y, got 1 class: {classes[0]!r}")
        return cls(classes, name_labels(classes))

    def match(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return labels with those that are a class but for their Unicode normal form as that."""
        return match_forms(y, self.classes)

    def encode(self, y: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
        """Return the name of each label."""
        labels = self.match(y)
        unknown = sorted(set(labels.tolist()) - set(self.classes.tolist()), key=str)
        if unknown:
            raise DataError(f"the label {unknown[0]!r} is not among those to train on")
        return self.names[np.searchsorted(self.classes, labels)]


@dataclass(frozen=True)
class Numbers:
    """A finite number per row."""

    noun: ClassVar[str] = "numbers"
    settings: ClassVar[Mapping[str, Any]] = {}

    @staticmethod
    def read(y: Any) -> npt.NDArray[np.float64]:
        """Return numbers as an array [rows]."""
        column = column_or_1d(y, warn=True)
        numbers = check_array(column, ensure_2d=False, dtype=np.float64, input_name="y")
        return np.asarray(numbers)

    @classmethod
    def fit(cls, y: npt.NDArray[np.float64]) -> Self:
        """Return the conversion, which is the same for all numbers that differ."""
        if len(y) < 2:
            raise DataError(
                f"Found array with {len(y)} sample(s) while a minimum of 2 is required."
            )
        if y.min() == y.max():
            raise DataError(f"expected numbers that differ in y, but all {len(y):,} are {y[0]:g}")
        return cls()

    def encode(self, y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the numbers as they are."""
        return y


@dataclass(frozen=True)
class Texts:
    """A text per row."""

    noun: ClassVar[str] = "targets"
    settings: ClassVar[Mapping[str, Any]] = {}

    @staticmethod
    def read(y: Any) -> pl.Series:
        """Return a column of texts."""
        try:
            return read_texts(y)
        except DataError as error:
            raise DataError(f"targets: {error}") from None

    @classmethod
    def fit(cls, y: pl.Series) -> Self:
        """Return the conversion, which is the same for all texts."""
        return cls()

    def encode(self, y: pl.Series) -> pl.Series:
        """Return the texts as they are."""
        return y


def name_labels(labels: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Return a name per label that the readers leave as it is: the label as a string if they do.

    Labels that differ only by surrounding space, say, or "1" beside "1.0", get their number in
    front.
    """
    names = [_read_back(label) for label in labels.tolist()]
    if (
        "" in names
        or len(set(map(label_key, names))) < len(names)
        or any(_read_back(name) != name for name in names)
    ):
        names = [
            normalize_name(f"{number}: {label}") for number, label in enumerate(labels.tolist())
        ]
    return np.array(names, dtype=object)


def _read_back(label: object) -> str:
    """Return what the readers make of one label; empty if it is none."""
    cleaned, _, _ = clean_labels([label], "label", np.array([1]))
    return normalize_name(str(cleaned[0]))


def unify_forms(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels with strings that differ only in their Unicode normal form in the usual one."""
    if labels.dtype.kind not in "OU":
        return labels
    counts = Counter(label for label in labels.tolist() if isinstance(label, str))
    usual: dict[str, str] = {}
    for label, _ in counts.most_common():
        usual.setdefault(unicodedata.normalize("NFC", label), label)
    return match_forms(labels, list(usual.values()))


def match_forms(labels: npt.NDArray[Any], known: Iterable[Any]) -> npt.NDArray[Any]:
    """Return labels with those that are a known one but for their normal form as the known one."""
    if labels.dtype.kind not in "OU" or all(str(label).isascii() for label in labels.tolist()):
        return labels
    by_form = {unicodedata.normalize("NFC", name): name for name in known if isinstance(name, str)}
    names = set(by_form.values())
    matched = [
        by_form.get(unicodedata.normalize("NFC", label), label)
        if isinstance(label, str) and label not in names
        else label
        for label in labels.tolist()
    ]
    return np.array(matched, dtype=object if labels.dtype.kind == "O" else None)
