"""`TextMultilabelClassifier`: texts in, any number of labels out."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from munjang.estimators.base import LabelProbabilities, TextEstimator
from munjang.estimators.label_sets import LabelSets


class TextMultilabelClassifier(LabelProbabilities, ClassifierMixin, TextEstimator):  # type: ignore[misc]
    """A multilabel text classifier for scikit-learn: texts in, an indicator matrix out.

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` is a
    one-dimensional collection of strings. `y` holds a list or set of labels per text, or is an
    indicator matrix [texts, labels] of 0 and 1, dense or sparse. (scikit-learn itself takes sets
    and matrices in cross-validation, and refuses lists.)

    Args:
        model: name of an architecture, such as mean or cnn (`munjang.registry`); that of
            `settings`, or cnn, when None.
        tokenizer: name of a tokenizer; chosen by the script of the text when None.
        valid: validation data, which selects the best checkpoint and the thresholds: a share of the
            rows to hold out (a tenth if None), or a pair (texts, labels).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"training.epochs": 3}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read and inferred.
        progress: show a bar in a notebook or on a terminal while it trains.

    Attributes:
        classes_: the labels in the order of the columns [labels]: sorted, or of a matrix the
            numbers of its columns, or of a data frame their names.
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.set_scores.SetScores`.

    >>> from munjang import TextMultilabelClassifier
    >>> texts = ["서울 손흥민", "서울", "손흥민", "그냥"] * 10
    >>> kinds = [["곳", "사람"], ["곳"], ["사람"], []] * 10
    >>> names = TextMultilabelClassifier("mean", random_state=0).fit(texts, kinds)
    >>> names.classes_.tolist(), names.predict(["서울", "그냥"]).shape
    (['곳', '사람'], (2, 2))
    """

    _task = "multilabel"
    _targets_class = LabelSets

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: `y` has several columns."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    def predict(self, X: Any) -> npt.NDArray[np.int64]:  # noqa: N803
        """Return 1 where a text has a label [texts, labels], columns in the order of `classes_`."""
        answers = self._answers(X)
        places = {name: place for place, name in enumerate(self._targets.names)}
        indicator = np.zeros((len(answers), len(places)), dtype=np.int64)
        for row, answer in zip(indicator, answers, strict=True):
            row[[places[label] for label in answer.labels]] = 1
        return indicator

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """Return the subset accuracy: the share of the texts whose set of labels is exactly right.

        A label that `fit` has not seen is never given, so that a row with it counts as wrong.
        """
        check_is_fitted(self, "model_")
        matrix, has_unknown = self._targets.align(self._read_targets(y))
        predicted = self.predict(X)
        check_consistent_length(matrix, predicted)
        true = np.column_stack([matrix, has_unknown])
        given = np.column_stack([predicted, np.zeros(len(predicted), dtype=np.int64)])
        return float(accuracy_score(true, given, sample_weight=sample_weight))
