"""`TextClassifier` and `ImageClassifier`: one label per row."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from munjang.estimators.base import ImageEstimator, LabelProbabilities, TextEstimator
from munjang.estimators.targets import Classes, Targets


class Classifier(LabelProbabilities, ClassifierMixin):  # type: ignore[misc]
    """The answers of an estimator with one label per row."""

    _task = "classify"
    _targets_class: ClassVar[type[Targets]] = Classes

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Return the most probable label per row, of the type that `fit` was given [rows]."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """Return the accuracy: the share of the rows `X` that get their label in `y`.

        A label that differs from one of `classes_` only in its Unicode normal form is that one.
        """
        check_is_fitted(self, "model_")
        labels = self._targets.match(np.asarray(y))
        return float(super().score(X, labels, sample_weight=sample_weight))


class TextClassifier(Classifier, TextEstimator):
    """A text classifier for scikit-learn: texts in, labels of any type out.

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` is a
    one-dimensional collection of strings: a list, an array, a pandas or Polars column.

    Args:
        model: name of an architecture, such as mean or cnn (`munjang.registry`); that of
            `settings`, or cnn, when None.
        tokenizer: name of a tokenizer; chosen by the script of the text when None.
        valid: validation data, which selects the best checkpoint: a share of the rows to hold
            out (a tenth if None), or a pair (texts, labels).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"training.epochs": 3}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read and inferred.
        progress: show a bar in a notebook or on a terminal while it trains.

    Attributes:
        classes_: the labels, sorted [classes].
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.classification_scores.Scores`.

    >>> from munjang import TextClassifier
    >>> texts = ["정말 재미있다", "시간이 아깝다", "최고의 연기", "돈이 아깝다"] * 5
    >>> TextClassifier("mean", random_state=0).fit(texts, [1, 0] * 10).predict(["재미있다"]).dtype
    dtype('int64')
    """


class ImageClassifier(Classifier, ImageEstimator):
    """An image classifier for scikit-learn: images in, labels of any type out.

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` is an array
    uint8 [rows, height, width] or [rows, height, width, 3], or a list of paths, arrays or images of
    Pillow, whose sizes may differ.

    Args:
        model: name of an architecture for images (`munjang.registry`); that of `settings`, or
            image_cnn, when None.
        valid: validation data, which selects the best checkpoint: a share of the rows to hold
            out (a tenth if None), or a pair (images, labels).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"image.size": "28x28"}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read and inferred.
        progress: show a bar in a notebook or on a terminal while it trains.

    Attributes:
        classes_: the labels, sorted [classes].
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.classification_scores.Scores`.

    >>> import numpy as np
    >>> from munjang import ImageClassifier
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> quick = ImageClassifier(settings={"training.epochs": 1}, random_state=0)
    >>> quick.fit(images, [0, 1] * 10).predict_proba(images[:3]).shape
    (3, 2)
    """
