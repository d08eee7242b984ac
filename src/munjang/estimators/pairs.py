"""`Seq2Seq`: texts in, texts out."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from munjang.api import train
from munjang.config import merge, parse_overrides
from munjang.errors import ConfigError, DataError
from munjang.estimators.estimator import TextEstimator
from munjang.estimators.given import read_settings, seed_of, texts_of
from munjang.forked import require_polars
from munjang.tasks.text_answers import Candidate


class Seq2Seq(TextEstimator):
    """From text to text for scikit-learn: sources in, answers out.

    Works in `Pipeline`, `cross_val_score` and `GridSearchCV`, also with `n_jobs`. `X` (sources)
    and `y` (targets) are one-dimensional collections of strings: lists, arrays, pandas or Polars
    columns.

    Args:
        model: name of an architecture: transformer, attentive or seq2seq; that of `settings`, or
            transformer, when None.
        tokenizer: name of a tokenizer for both sides; bpe when None.
        valid: what chooses the best step: a share of the pairs to hold out (a tenth when None), or
            a pair (sources, targets).
        settings: those of `config.yaml`: nested, or with dotted names as in
            `{"training.epochs": 3}`, or a list of "key=value".
        random_state: an int makes the fit repeatable; a `RandomState` draws a seed; None draws one
            from NumPy's global state.
        verbose: print what is read, guessed and counted.

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

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on sources `X` [texts] and their targets `y` [texts].

        Raises:
            ValueError: `X`, `y` or a setting cannot be used (`MunjangError` is one).
        """
        require_polars("A training")
        pairs = self._pairs(X, y)
        given = self._given()
        share, valid = self._valid()
        trained = train(
            pairs,
            task="translate",
            tokenizer=self.tokenizer,
            valid=valid,
            config=merge(given, share),
            seed=seed_of(self.random_state),
            report=print if self.verbose else None,
        )
        self.model_, self.scores_ = trained.model, trained.scores
        return self

    def predict(self, X: Any) -> npt.NDArray[np.object_]:  # noqa: N803
        """The best answer to each source, strings [texts]."""
        check_is_fitted(self, "model_")
        # objects: strings of NumPy's own are all as long as the longest
        return np.array([one.text for one in self.model_.predict(texts_of(X))], dtype=object)

    def predict_nbest(self, X: Any, n: int) -> list[tuple[Candidate, ...]]:  # noqa: N803
        """The `n` best answers to each source with their scores, the best first.

        The beam is `n` wide where that of the settings is narrower.

        Raises:
            ConfigError: `n` is below 1, or above it where answers are looked for greedily.
        """
        check_is_fitted(self, "model_")
        beam = max(n, self.model_.recipe.section("decoding").beam)
        model = self.model_.with_decoding({"nbest": n, "beam": beam})
        return [one.candidates for one in model.predict(texts_of(X))]

    def score(self, X: Any, y: Any) -> float:  # noqa: N803
        """chrF of the answers to `X` against `y`, of all together as sacrebleu counts: 0 to 100.

        Character n-grams (Popović 2015) are fair to Korean endings, and tell small models apart
        where exact matches are rare.
        """
        # imported here: it takes a while, and answering needs no metrics
        from sacrebleu.metrics.chrf import CHRF

        answers = self.predict(X).tolist()
        _, targets = self._pairs(X, y)
        metric = CHRF(lowercase=self.model_.recipe.section("translate").lowercase)
        return float(metric.corpus_score(answers, [targets.to_list()]).score)

    def _given(self) -> dict[str, Any]:
        """All settings, the name of the model among them.

        Raises:
            ConfigError: `settings` name another model than `model`.
        """
        nested, overrides = read_settings(self.settings)
        given = merge(nested, parse_overrides(overrides))
        section = given.get("model")
        named = section.get("name") if isinstance(section, Mapping) else None
        if self.model is None:
            return given
        if named not in (None, self.model):
            raise ConfigError(
                f"settings name the model {named!r} and model is {self.model!r}: name it once, as "
                f"in Seq2Seq({named!r})"
            )
        return merge(given, {"model": {"name": self.model}})

    def _valid(self) -> tuple[dict[str, Any], Any]:
        """`valid` as settings, or as validation data."""
        if self.valid is None:
            return {}, None
        if isinstance(self.valid, Real):
            return {"data": {"validation_split": float(self.valid)}}, None
        if not isinstance(self.valid, tuple) or len(self.valid) != 2:
            raise ConfigError(
                "valid: expected a share of the pairs such as 0.1, or a pair (sources, targets), "
                f"got {type(self.valid).__name__}"
            )
        return {}, self._pairs(*self.valid)

    def _pairs(self, sources: Any, targets: Any) -> tuple[pl.Series, pl.Series]:
        """Two columns of as many texts."""
        first = texts_of(sources)
        if targets is None:
            raise DataError(
                "This Seq2Seq estimator requires y to be passed, but the target y is None."
            )
        try:
            second = texts_of(targets)
        except DataError as error:
            raise DataError(f"targets: {error}") from None
        check_consistent_length(first, second)
        return first, second
