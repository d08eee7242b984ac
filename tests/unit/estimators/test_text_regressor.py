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
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import munjang
from munjang import MunjangError, TextRegressor
from tests.unit.estimators.numbers import AcceptsNumbers

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


def make_regressor(**settings: Any) -> TextRegressor:
    return TextRegressor("mean", **{"random_state": 0, "settings": QUICK, **settings})


@pytest.fixture(scope="module")
def fitted() -> TextRegressor:
    """Only to be asked."""
    return make_regressor().fit(TEXTS, NUMBERS)


class OnNumbers(AcceptsNumbers, TextRegressor):
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


def test_scikit_learn_tags() -> None:
    tags = TextRegressor().__sklearn_tags__()
    assert (tags.input_tags.string, tags.input_tags.two_d_array) == (True, False)
    assert tags.target_tags.required
    assert is_regressor(TextRegressor())


def test_fit_predict_and_score(fitted: TextRegressor) -> None:
    answers = fitted.predict(TEXTS)
    assert (answers.dtype, answers.shape) == (np.float64, (60,))
    assert np.abs(answers - NUMBERS).mean() < 1.5
    assert fitted.score(TEXTS, NUMBERS) == r2_score(NUMBERS, answers) > 0.7


@pytest.mark.parametrize(
    "collect",
    [tuple, np.array, pl.Series, lambda values: np.array(values, dtype=np.float32)],
    ids=["tuple", "array", "polars", "float32"],
)
def test_numeric_collections_give_same_answers(collect: Any, fitted: TextRegressor) -> None:
    result = make_regressor().fit(TEXTS, collect(NUMBERS)).predict(TEXTS)
    np.testing.assert_array_equal(result, fitted.predict(TEXTS))


def test_pipeline_and_grid_search() -> None:
    shout = FunctionTransformer(lambda texts: [f"{text}!" for text in texts])
    grid = {"textregressor__settings": [QUICK, {**QUICK, "regress.loss": "huber"}]}
    search = GridSearchCV(make_pipeline(shout, make_regressor()), grid, cv=2, error_score="raise")
    assert search.fit(TEXTS, NUMBERS).best_score_ > 0.5


def test_clone_pickle_and_folder(fitted: TextRegressor, tmp_path: Path) -> None:
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "model_")
    assert {type(content) for content in fitted.__getstate__()["model_"].values()} == {bytes}
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict(TEXTS), fitted.predict(TEXTS))
    loaded = munjang.load(fitted.save(tmp_path / "model"))
    assert [answer.value for answer in loaded.predict(TEXTS)] == fitted.predict(TEXTS).tolist()


def test_valid_data_and_errors() -> None:
    model = make_regressor(valid=(TEXTS[:10], NUMBERS[:10])).fit(TEXTS[10:], NUMBERS[10:])
    assert model.scores_.rows == 10
    with pytest.raises(ValueError, match=r"a pair \(texts, numbers\), got str"):
        make_regressor(valid="dev.tsv").fit(TEXTS, NUMBERS)
    with pytest.raises(MunjangError, match="valid: Input y contains NaN"):
        make_regressor(valid=(TEXTS[:1], [np.nan])).fit(TEXTS, NUMBERS)


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
def test_invalid_targets_are_refused(numbers: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_regressor().fit(TEXTS, numbers)


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
def test_invalid_settings_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(MunjangError, match=message):
        make_regressor(settings=settings).fit(TEXTS, NUMBERS)


def test_predict_before_fit_raises_not_fitted_error() -> None:
    for ask in (
        lambda: make_regressor().predict(["좋다"]),
        lambda: make_regressor().score(["좋다"], [1.0]),
    ):
        with pytest.raises(NotFittedError):
            ask()
