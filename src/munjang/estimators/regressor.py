"""`TextRegressor`: texts in, numbers out."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from munjang.estimators.base import TextEstimator
from munjang.estimators.targets import Numbers


class TextRegressor(RegressorMixin, TextEstimator):  # type: ignore[misc]
    """A text regressor for scikit-learn: texts in, numbers out; its score is R².

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` is a
    one-dimensional collection of strings: a list, an array, a pandas or Polars column.

    Args:
        model: name of an architecture, such as mean or cnn (`munjang.registry`); that of
            `settings`, or cnn, when None.
        tokenizer: name of a tokenizer; chosen by the script of the text when None.
        valid: validation data, which selects the best checkpoint: a share of the rows to hold
            out (a tenth if None), or a pair (texts, numbers).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"regress.loss": "huber"}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read and inferred.
        progress: show a bar in a notebook or on a terminal while it trains.

    Attributes:
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.number_scores.NumberScores`.

    >>> from munjang import TextRegressor
    >>> texts, stars = ["정말 재미있다", "시간이 아깝다"] * 10, [9.5, 2] * 10
    >>> TextRegressor("mean", random_state=0).fit(texts, stars).predict(["재미있다"]).shape
    (1,)
    """

    _task = "regress"
    _targets_class = Numbers

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return a number per text, in the unit of `y` [texts]."""
        return np.array([answer.value for answer in self._answers(X)], dtype=np.float64)
