"""`TextPairClassifier` and `TextPairRegressor`: two texts in, a label or a number out."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from munjang.data.two_texts.collection import collect_pairs
from munjang.errors import DataError
from munjang.estimators.base import TextEstimator
from munjang.estimators.classifiers import Classifier
from munjang.estimators.rows import NO_ROWS
from munjang.estimators.targets import Numbers


class TextPairEstimator(TextEstimator):
    """Base of estimators whose `X` has two texts per row."""

    _input = "two_texts"
    _rows = "pairs"

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: `X` are two columns of strings."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = False
        tags.input_tags.two_d_array = True
        return tags

    @staticmethod
    def _read_rows(X: Any) -> list[tuple[str, str]]:  # noqa: N803
        """Return `X` as a list of (first, second).

        Raises:
            DataError: it does not hold two strings per row, or it is empty.
        """
        first, second = collect_pairs(X)
        if not first:
            raise DataError(NO_ROWS)
        return list(zip(first, second, strict=True))


class TextPairClassifier(Classifier, TextPairEstimator):
    """A classifier of two texts per row for scikit-learn, such as of two questions.

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` is a list of
    (first, second), an array of strings [rows, 2], or a data frame of two columns.

    Args:
        model: name of an architecture, such as mean or bert (`munjang.registry`); that of
            `settings`, or transformer, when None.
        tokenizer: name of a tokenizer; chosen by the script of the texts when None.
        valid: what chooses the best step: a share of the rows to hold out (a tenth when None), or
            a pair (pairs, labels).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"two_texts.reading": "joined"}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read, guessed and counted.
        progress: show a bar in a notebook or on a terminal while it trains.

    Attributes:
        classes_: the labels, sorted [classes].
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.classification_scores.Scores`.

    >>> from munjang import TextPairClassifier
    >>> pairs = [(f"{hour}시에 가자", f"{hour}시에 간다") for hour in range(20)]
    >>> fitted = TextPairClassifier("mean", random_state=0).fit(pairs, [1, 0] * 10)
    >>> fitted.predict([("밥 먹자", "밥을 먹자")]).shape
    (1,)
    """


class TextPairRegressor(RegressorMixin, TextPairEstimator):  # type: ignore[misc]
    """A regressor of two texts per row for scikit-learn, such as of their similarity.

    `X` and the parameters are those of `TextPairClassifier`; `valid` may be a pair (pairs,
    numbers). Its score is R².

    Attributes:
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.number_scores.NumberScores`.

    >>> from munjang import TextPairRegressor
    >>> pairs = [(f"{hour}시에 가자", f"{hour}시에 간다") for hour in range(20)]
    >>> TextPairRegressor("mean", random_state=0).fit(pairs, [5, 0.5] * 10).predict(pairs).shape
    (20,)
    """

    _task = "regress"
    _targets_class = Numbers

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return a number per pair, in the unit of `y` [pairs]."""
        return np.array([answer.value for answer in self._answers(X)], dtype=np.float64)
