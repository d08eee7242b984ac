"""`TextRegressor`: scikit-learn's own checks, and what they cannot ask of text."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import munjang
from munjang import MunjangError, TextRegressor
from tests.unit.estimators.numbers import TakesNumbers

QUICK: dict[str, Any] = {
    "model.dim": 8,
    "model.ngram_buckets": 512,
    "training.epochs": 8,
    "training.batch_size": 16,
    "training.threads": 1,
    "training.learning_rate": 0.05,
    "training.embedding_learning_rate": 0.05,
}
WORDS = {"최고": 9.0, "좋다": 7.5, "보통": 5.0, "별로": 2.5, "최악": 1.0}
TEXTS = [f"{word} {number}" for number in range(12) for word in WORDS]
NUMBERS = list(WORDS.values()) * 12


def quick(**given: Any) -> TextRegressor:
    return TextRegressor("mean", **{"random_state": 0, "settings": QUICK, **given})


@pytest.fixture(scope="module")
def fitted() -> TextRegressor:
    """Only to be asked."""
    return quick().fit(TEXTS, NUMBERS)


class OnNumbers(TakesNumbers, TextRegressor):
    """`TextRegressor` over numbers."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # a sum of ten written numbers is not in 200 texts to learn; what it learns is tested below
        tags.regressor_tags.poor_score = True
        return tags

    def predict(self, X: Any) -> Any:  # noqa: N803
        return super().predict(self.as_texts(X))


@parametrize_with_checks(
    [OnNumbers("mean", random_state=0, settings=QUICK, tokenizer="characters")]
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_scikit_learn_is_told_that_it_takes_text() -> None:
    tags = TextRegressor().__sklearn_tags__()
    assert (tags.input_tags.string, tags.input_tags.two_d_array) == (True, False)
    assert tags.target_tags.required
    assert is_regressor(TextRegressor())


def test_it_learns_numbers_in_their_unit(fitted: TextRegressor) -> None:
    answers = fitted.predict(TEXTS)
    assert (answers.dtype, answers.shape) == (np.float64, (60,))
    assert np.abs(answers - NUMBERS).mean() < 1.5
    assert fitted.score(TEXTS, NUMBERS) == r2_score(NUMBERS, answers) > 0.7


@pytest.mark.parametrize(
    "collect",
    [tuple, np.array, pl.Series, lambda values: np.array(values, dtype=np.float32)],
    ids=["tuple", "array", "polars", "float32"],
)
def test_any_column_of_numbers_gives_the_same_answers(collect: Any, fitted: TextRegressor) -> None:
    got = quick().fit(TEXTS, collect(NUMBERS)).predict(TEXTS)
    np.testing.assert_array_equal(got, fitted.predict(TEXTS))


def test_pipeline_and_grid_search() -> None:
    shout = FunctionTransformer(lambda texts: [f"{text}!" for text in texts])
    grid = {"textregressor__settings": [QUICK, {**QUICK, "regress.loss": "huber"}]}
    search = GridSearchCV(make_pipeline(shout, quick()), grid, cv=2, error_score="raise")
    assert search.fit(TEXTS, NUMBERS).best_score_ > 0.5


def test_cross_validation_in_two_processes() -> None:
    scores = cross_val_score(quick(), TEXTS, NUMBERS, cv=2, n_jobs=2, error_score="raise")
    np.testing.assert_array_equal(scores, cross_val_score(quick(), TEXTS, NUMBERS, cv=2))


def test_clone_pickle_and_folder(fitted: TextRegressor, tmp_path: Path) -> None:
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "model_")
    assert {type(content) for content in fitted.__getstate__()["model_"].values()} == {bytes}
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict(TEXTS), fitted.predict(TEXTS))
    loaded = munjang.load(fitted.save(tmp_path / "model"))
    assert [answer.value for answer in loaded.predict(TEXTS)] == fitted.predict(TEXTS).tolist()


def test_validation_data_of_its_own() -> None:
    model = quick(valid=(TEXTS[:10], NUMBERS[:10])).fit(TEXTS[10:], NUMBERS[10:])
    assert model.scores_.rows == 10
    with pytest.raises(ValueError, match=r"a pair \(texts, numbers\), got str"):
        quick(valid="dev.tsv").fit(TEXTS, NUMBERS)
    with pytest.raises(MunjangError, match="valid: Input y contains NaN"):
        quick(valid=(TEXTS[:1], [np.nan])).fit(TEXTS, NUMBERS)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (NUMBERS[:-1], "inconsistent numbers of samples"),
        (None, "target y is None"),
        ([3.0] * 60, "all 60 are 3"),
        ([*NUMBERS[:-1], np.nan], "contains NaN"),
        ([*NUMBERS[:-1], np.inf], "contains infinity"),
        ([*NUMBERS[:-1], "many"], "could not convert string to float"),
        (np.zeros((60, 2)), "1d array"),
    ],
)
def test_bad_numbers_are_refused(numbers: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quick().fit(TEXTS, numbers)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "classify"}, "task cannot be set here: it is that of the estimator"),
        (["seed=3"], "seed cannot be set here: give random_state"),
        ({"labels": ["1", "2"]}, "labels cannot be set here"),
        ({"model.name": "cnn"}, "model.name is 'cnn' and model is 'mean': give one of the two"),
        ({"training.epoch": 1}, "did you mean 'epochs'"),
        ({"classify.loss": "focal"}, "the task is regress"),
        (3, "expected a mapping or a list of key=value, got 3"),
    ],
)
def test_bad_settings_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(MunjangError, match=message):
        quick(settings=settings).fit(TEXTS, NUMBERS)


def test_it_must_be_fitted_first() -> None:
    for ask in (lambda: quick().predict(["좋다"]), lambda: quick().score(["좋다"], [1.0])):
        with pytest.raises(NotFittedError):
            ask()
