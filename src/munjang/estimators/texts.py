"""`TextClassifier`: texts in, labels out."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from numbers import Real
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from munjang.api import train
from munjang.data.readers.values import clean_labels
from munjang.errors import ConfigError, DataError
from munjang.estimators.estimator import TextEstimator
from munjang.estimators.given import read_settings, seed_of, texts_of
from munjang.forked import require_polars
from munjang.names import label_key, normalize_name


class TextClassifier(ClassifierMixin, TextEstimator):  # type: ignore[misc]
    """A text classifier for scikit-learn: texts in, labels of any type out.

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` is a
    one-dimensional collection of strings: a list, an array, a pandas or Polars column.

    Args:
        model: name of an architecture, such as mean or cnn (`munjang.registry`); that of
            `settings`, or cnn, when None.
        tokenizer: name of a tokenizer; chosen by the script of the text when None.
        valid: what chooses the best step: a share of the rows to hold out (a tenth when None), or
            a pair (texts, labels).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"training.epochs": 3}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read, guessed and counted.

    Attributes:
        classes_: the labels, sorted [classes].
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.classification_scores.Scores`.

    >>> from munjang import TextClassifier
    >>> texts = ["정말 재미있다", "시간이 아깝다"] * 10
    >>> TextClassifier("mean", random_state=0).fit(texts, [1, 0] * 10).predict(["재미있다"]).dtype
    dtype('int64')
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on texts `X` [texts] with labels `y` [texts].

        Raises:
            ValueError: `X` or `y` cannot be used (`MunjangError` is one).
        """
        require_polars("A training")
        texts = texts_of(X)
        labels = _one_form_each(_labels(y, texts))
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"expected two classes or more in y, got 1 class: {labels[0]!r}")
        self._names = _class_names(self.classes_)
        config, overrides = read_settings(self.settings)
        share, valid = self._valid()
        trained = train(
            (texts, self._names[numbers]),
            model=self.model,
            tokenizer=self.tokenizer,
            valid=valid,
            config=config,
            overrides=[*share, *overrides],
            seed=seed_of(self.random_state),
            report=print if self.verbose else None,
        )
        self.model_, self.scores_ = trained.model, trained.scores
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Probabilities [texts, classes], columns in the order of `classes_`."""
        check_is_fitted(self, "model_")
        columns = [self.model_.labels.index(name) for name in self._names]
        return np.asarray(self.model_.predict_proba(texts_of(X))[:, columns])

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """The likeliest label of each text, of the type that `fit` was given [texts]."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """The share of the texts `X` that get their label in `y`.

        A label that differs from one of `classes_` only in its Unicode normal form is that one.
        """
        check_is_fitted(self, "model_")
        labels = _as_classes(np.asarray(y), self.classes_)
        return float(super().score(X, labels, sample_weight=sample_weight))

    def _valid(self) -> tuple[list[str], Any]:
        """`valid` as a setting, or as validation data with class names."""
        if self.valid is None:
            return [], None
        if isinstance(self.valid, Real):
            return [f"data.validation_split={self.valid}"], None
        if not isinstance(self.valid, tuple) or len(self.valid) != 2:
            raise ConfigError(
                "valid: expected a share of the rows such as 0.1, or a pair (texts, labels), got "
                f"{type(self.valid).__name__}"
            )
        texts = texts_of(self.valid[0])
        labels = _as_classes(_labels(self.valid[1], texts), self.classes_)
        unknown = sorted(set(labels.tolist()) - set(self.classes_.tolist()), key=str)
        if unknown:
            raise DataError(f"valid: the label {unknown[0]!r} is not among those to train on")
        return [], (texts, self._names[np.searchsorted(self.classes_, labels)])


def _labels(given: Any, texts: pl.Series) -> npt.NDArray[Any]:
    """Labels as an array [texts]."""
    if given is None:
        raise DataError(
            "This TextClassifier estimator requires y to be passed, but the target y is None."
        )
    labels = column_or_1d(given, warn=True)
    check_consistent_length(texts, labels)
    check_classification_targets(labels)
    return np.asarray(labels)


def _class_names(classes: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """A name for each class that the readers leave as it is: its label as a string if that does.

    Labels that differ only by surrounding space, say, or "1" beside "1.0", get their number in
    front.
    """
    names = [_read_back(label) for label in classes.tolist()]
    if (
        "" in names
        or len(set(map(label_key, names))) < len(names)
        or any(_read_back(n) != n for n in names)
    ):
        names = [f"{number}: {label}".strip() for number, label in enumerate(classes.tolist())]
    return np.array(names, dtype=object)


def _read_back(label: object) -> str:
    """What the readers make of one label; empty if it is none."""
    cleaned, _, _ = clean_labels([label], "label", np.array([1]))
    return normalize_name(str(cleaned[0]))


def _one_form_each(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Strings that are the same but for their Unicode normal form, all in their usual form."""
    if labels.dtype.kind not in "OU":
        return labels
    counts = Counter(label for label in labels.tolist() if isinstance(label, str))
    usual: dict[str, str] = {}
    for label, _ in counts.most_common():
        usual.setdefault(unicodedata.normalize("NFC", label), label)
    return _as_classes(labels, list(usual.values()))


def _as_classes(labels: npt.NDArray[Any], classes: Iterable[Any]) -> npt.NDArray[Any]:
    """Strings that are one of the classes but for their Unicode normal form, as that class."""
    if labels.dtype.kind not in "OU" or all(str(label).isascii() for label in labels.tolist()):
        return labels
    own = {unicodedata.normalize("NFC", one): one for one in classes if isinstance(one, str)}
    known = set(own.values())
    found = [
        own.get(unicodedata.normalize("NFC", label), label)
        if isinstance(label, str) and label not in known
        else label
        for label in labels.tolist()
    ]
    return np.array(found, dtype=object if labels.dtype.kind == "O" else None)
