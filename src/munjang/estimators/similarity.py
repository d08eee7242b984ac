"""`TextSimilarity`: two texts in, their similarity out; and vectors of single texts."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from munjang.estimators.rows import read_texts
from munjang.estimators.targets import Numbers
from munjang.estimators.two_texts import TextPairEstimator
from munjang.tasks.number_scores import score_numbers


class TextSimilarity(RegressorMixin, TextPairEstimator):  # type: ignore[misc]
    """The similarity of two texts by the cosine of their vectors, for scikit-learn.

    `X` and the parameters are those of `TextPairClassifier`; `y` has a number per pair, the larger
    the more similar. Its score is the Spearman correlation. `embed` gives the vector of each text
    alone, for a search or as features of another model.

    Attributes:
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.similarity_scores.SimilarityScores`.

    >>> from munjang import TextSimilarity
    >>> pairs = [(f"{hour}시에 가자", f"{hour}시에 간다") for hour in range(20)]
    >>> fitted = TextSimilarity("mean", random_state=0).fit(pairs, [5, 0.5] * 10)
    >>> fitted.predict(pairs).shape, fitted.embed(["세 시에 간다"]).shape
    ((20,), (1, 256))
    """

    _task = "similarity"
    _targets_class = Numbers

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return a number per pair, in the unit of `y` [pairs].

        With the loss `in_batch_negatives`, whose cosines stand for no numbers, it is the cosine.
        """
        answers = self._answers(X)
        values = [answer.cosine if answer.value is None else answer.value for answer in answers]
        return np.array(values, dtype=np.float64)

    def embed(self, texts: Any, *, normalize: bool = True) -> npt.NDArray[np.float32]:
        """Return a vector per text, float32 [texts, dim].

        Args:
            texts: a column of strings.
            normalize: divide each vector by its length, so that products are cosines.

        Raises:
            DataError: it is not one column of strings, or it is empty.
        """
        check_is_fitted(self, "model_")
        vectors: npt.NDArray[np.float32] = self.model_.embed(
            read_texts(texts).to_list(), normalize=normalize
        )
        return vectors

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """Return the Spearman correlation of the answers with `y`; NaN if either is constant.

        Raises:
            ValueError: `X` or `y` cannot be used, or there is a `sample_weight`, which ranks do
                not have.
        """
        if sample_weight is not None:
            raise ValueError("sample_weight: ranks have no weights; leave it out")
        _, numbers = self._read(X, y)
        return score_numbers(self.predict(X), numbers).spearman
