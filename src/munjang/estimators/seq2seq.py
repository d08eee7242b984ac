"""`Seq2Seq`: texts in, texts out."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from munjang.estimators.base import TextEstimator
from munjang.estimators.targets import Texts
from munjang.tasks.text_answers import Candidate


class Seq2Seq(TextEstimator):
    """Text generation for scikit-learn: sources in, answers out; its score is chrF.

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` (sources)
    and `y` (targets) are one-dimensional collections of strings: lists, arrays, pandas or Polars
    columns.

    Args:
        model: name of an architecture: transformer, attentive or seq2seq; that of `settings`, or
            transformer, when None.
        tokenizer: name of a tokenizer for both sides; bpe when None.
        valid: validation data, which selects the best checkpoint: a share of the rows to hold
            out (a tenth if None), or a pair (sources, targets).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"training.epochs": 3}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read and inferred.
        progress: show a bar in a notebook or on a terminal while it trains.

    Attributes:
        model_: the trained `munjang.model.Model`.
        scores_: on the validation part, a `munjang.tasks.translation_scores.TranslationScores`.

    >>> from munjang import Seq2Seq
    >>> settings = {"training.epochs": 1, "model.dim": 8, "model.heads": 1}
    >>> sources, targets = ["가 나", "다"] * 10, ["가", "다"] * 10
    >>> copying = Seq2Seq(settings=settings, random_state=0).fit(sources, targets)
    >>> copying.predict(["가 나"]).shape
    (1,)
    """

    _task = "translate"
    _input = "parallel"
    _rows = "sources"
    _targets_class = Texts

    def predict(self, X: Any) -> npt.NDArray[np.object_]:  # noqa: N803
        """Return the best answer per source, strings [texts]."""
        # objects: strings of NumPy's own all take the memory of the longest
        return np.array([answer.text for answer in self._answers(X)], dtype=object)

    def predict_nbest(self, X: Any, n: int) -> list[tuple[Candidate, ...]]:  # noqa: N803
        """Return the `n` best answers per source with their scores, the best first.

        The beam is `n` wide where that of the settings is narrower.

        Raises:
            ConfigError: `n` is below 1, or above it where decoding is greedy.
        """
        check_is_fitted(self, "model_")
        beam = max(n, self.model_.recipe.section("decoding").beam)
        model = self.model_.with_decoding({"nbest": n, "beam": beam})
        answers: Any = model.predict(self._read_rows(X))
        return [answer.candidates for answer in answers]

    def score(self, X: Any, y: Any) -> float:  # noqa: N803
        """Return chrF of the answers to `X` against `y` over the corpus, as sacrebleu: 0 to 100.

        Character n-grams (Popović 2015) are fair to Korean endings, and tell small models apart
        where exact matches are rare.
        """
        # imported here: it takes a while, and answering needs no metrics
        from sacrebleu.metrics.chrf import CHRF

        check_is_fitted(self, "model_")
        sources, targets = self._read(X, y)
        metric = CHRF(lowercase=self.model_.recipe.section("translate").lowercase)
        answers = self.predict(sources).tolist()
        return float(metric.corpus_score(answers, [targets.to_list()]).score)
