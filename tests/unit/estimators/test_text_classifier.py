"""`TextClassifier`: scikit-learn's own checks, and what they cannot ask of text."""

import pickle
import unicodedata
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import munjang
from munjang import MunjangError, TextClassifier
from tests.unit.estimators.numbers import TakesNumbers

QUICK: dict[str, Any] = {
    "model.dim": 8,
    "model.ngram_buckets": 512,
    "training.epochs": 4,
    "training.batch_size": 16,
    "training.threads": 1,
    "training.learning_rate": 0.05,
    "training.embedding_learning_rate": 0.05,
}

GOOD = ["정말 재미있다", "아주 좋은 영화", "최고의 연기", "또 보고 싶다", "감동이었다"]
BAD = ["시간이 아깝다", "지루하고 별로", "최악의 영화", "돈이 아깝다", "재미없다"]
TEXTS = [f"{text} {number}" for number in range(6) for text in GOOD + BAD]
LABELS = ([1] * 5 + [0] * 5) * 6


def quick(**given: Any) -> TextClassifier:
    return TextClassifier("mean", **{"random_state": 0, "settings": QUICK, **given})


class OnNumbers(TakesNumbers, TextClassifier):
    """`TextClassifier` over numbers."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return super().predict_proba(self.as_texts(X))


@parametrize_with_checks(
    [OnNumbers("mean", random_state=0, settings=QUICK, tokenizer="characters")]
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    # All of them: none is expected to fail. Those about the shape and type of numbers test
    # `OnNumbers` alone.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_scikit_learn_is_told_that_it_takes_text() -> None:
    tags = TextClassifier().__sklearn_tags__()
    assert tags.input_tags.string
    assert tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required
    assert is_classifier(TextClassifier())


@pytest.mark.parametrize(
    "collect",
    [list, tuple, np.array, lambda texts: np.array(texts, dtype=object), pl.Series, iter],
    ids=["list", "tuple", "str array", "object array", "polars", "iterator"],
)
def test_any_column_of_strings_gives_the_same_answers(collect: Any) -> None:
    expected = quick().fit(TEXTS, LABELS).predict_proba(TEXTS[:7])
    got = quick().fit(collect(TEXTS), LABELS).predict_proba(collect(TEXTS[:7]))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "classes",
    [
        [0, 1],
        ["나쁨", "좋음"],
        [False, True],
        [0.0, 2.0],
        [-3, 11],
        ["a", " a"],
        ["1", "1.0"],
        ["True", "true"],
        ["", "이름"],
        [np.int8(3), np.int8(2)],
    ],
    ids=repr,
)
def test_labels_come_back_as_they_were_given(classes: list[Any]) -> None:
    labels = np.array(classes)[LABELS]
    model = quick().fit(TEXTS, labels)
    answers = model.predict(TEXTS)
    assert answers.dtype == labels.dtype
    assert model.classes_.tolist() == np.unique(labels).tolist()
    assert (answers == labels).mean() > 0.9
    chances = model.predict_proba(TEXTS)
    assert chances.shape == (len(TEXTS), 2)
    np.testing.assert_array_equal(model.classes_[chances.argmax(axis=1)], answers)


def test_labels_in_another_normal_form_are_the_same_class() -> None:
    names = np.array(["나쁨", "좋음"], dtype=object)
    decomposed = np.array([unicodedata.normalize("NFD", name) for name in names], dtype=object)
    labels = names[LABELS]
    mixed = labels.copy()
    mixed[::3] = decomposed[LABELS][::3]
    model = quick().fit(TEXTS, mixed)
    assert model.classes_.tolist() == ["나쁨", "좋음"], "the usual form of each"
    assert model.score(TEXTS, decomposed[LABELS]) == model.score(TEXTS, labels) > 0.9


def test_many_classes_keep_their_columns() -> None:
    # as strings 10 comes before 2: columns follow the numbers
    texts = [f"{chr(ord('가') + number)} {n}" for number in range(12) for n in range(8)]
    labels = [number for number in range(12) for _ in range(8)]
    settings = {**QUICK, "training.epochs": 20}
    model = quick(settings=settings).fit(texts, labels)
    assert model.classes_.tolist() == list(range(12))
    assert model.score(texts, labels) > 0.9


def test_the_same_random_state_gives_the_same_model() -> None:
    first, again = (quick(random_state=3).fit(TEXTS, LABELS) for _ in range(2))
    other = quick(random_state=4).fit(TEXTS, LABELS)
    drawn = quick(random_state=np.random.RandomState(3)).fit(TEXTS, LABELS)
    chances = first.predict_proba(TEXTS)
    np.testing.assert_array_equal(chances, again.predict_proba(TEXTS))
    assert not np.array_equal(chances, other.predict_proba(TEXTS))
    assert not np.array_equal(chances, drawn.predict_proba(TEXTS))


def test_clone_and_parameters() -> None:
    model = quick(tokenizer="jamo", valid=0.2)
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert copied.set_params(model="cnn").model == "cnn"
    assert model.model == "mean"
    assert model.fit(TEXTS, LABELS).model_.recipe.tokenizer.name == "jamo"
    assert model.model_.recipe.data.validation_split == 0.2
    assert not hasattr(clone(model), "model_")


@pytest.mark.parametrize(
    "settings",
    [
        {**QUICK, "training.epochs": 2},
        {"training": {"epochs": 2, "threads": 1}, "model": {"dim": 8, "ngram_buckets": 512}},
        ["training.epochs=2", "training.threads=1", "model.dim=8", "model.ngram_buckets=512"],
        {
            "training": {"epochs": 1},
            "training.epochs": 2,
            "model.ngram_buckets": 512,
            "model.dim": 8,
        },
    ],
    ids=["dotted", "nested", "list", "mixed"],
)
def test_settings_reach_the_recipe(settings: Any) -> None:
    recipe = quick(settings=settings).fit(TEXTS, LABELS).model_.recipe
    assert (recipe.training.epochs, recipe.model.dim) == (2, 8)


def test_validation_data_of_its_own() -> None:
    model = quick(valid=(TEXTS[:10], LABELS[:10])).fit(TEXTS[10:], LABELS[10:])
    assert model.scores_.rows == 10
    assert model.model_.metrics["training"]["rows"] == 50
    with pytest.raises(ValueError, match="7 is not among"):
        quick(valid=(["새 글"], [7])).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="expected a share"):
        quick(valid="dev.tsv").fit(TEXTS, LABELS)


def test_pipeline_and_grid_search() -> None:
    shout = FunctionTransformer(lambda texts: [f"{text}!" for text in texts])
    pipeline = make_pipeline(shout, quick())
    grid = {"textclassifier__model": ["mean", "cnn"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert search.best_score_ > 0.8
    assert set(search.predict(TEXTS)) == {0, 1}


def test_cross_validation_in_two_processes() -> None:
    scores = cross_val_score(quick(), TEXTS, LABELS, cv=2, n_jobs=2, error_score="raise")
    alone = cross_val_score(quick(), TEXTS, LABELS, cv=2)
    np.testing.assert_array_equal(scores, alone)
    assert scores.min() > 0.7


def test_pickle_holds_the_files_of_the_folder() -> None:
    model = quick().fit(TEXTS, LABELS)
    state = model.__getstate__()
    assert {type(content) for content in state["model_"].values()} == {bytes}
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert pickle.loads(pickle.dumps(quick())).get_params() == quick().get_params()


def test_saved_folder_answers_the_same(tmp_path: Path) -> None:
    model = quick().fit(TEXTS, LABELS)
    folder = model.save(tmp_path / "model")
    loaded = munjang.load(folder)
    assert loaded.labels == ("0", "1")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))
    with pytest.raises(MunjangError, match="finished model is here already"):
        model.save(folder)
    model.save(folder, overwrite=True)


def test_an_empty_text_gets_an_answer_and_is_refused_in_training() -> None:
    model = quick().fit(TEXTS, LABELS)
    assert model.predict(["", "재미"]).shape == (2,)
    with pytest.raises(ValueError, match="row 61"):
        quick().fit([*TEXTS, ""], [*LABELS, 1])
    skip = {**QUICK, "data.skip_bad_rows": True}
    quick(settings=skip).fit([*TEXTS, ""], [*LABELS, 1])


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ("재미있다", [1], "string object received"),
        (np.array([["a", "b"]]), [1], "1D array-like"),
        (5, [1], "column of texts"),
        ([], [], "0 sample"),
        (["a", None], [0, 1], r"texts\[1\].*NoneType"),
        (["a", 1.5], [0, 1], r"texts\[1\].*float"),
        (TEXTS, LABELS[:-1], "inconsistent numbers of samples"),
        (TEXTS, None, "target y is None"),
        (TEXTS, [1] * 60, "1 class"),
        (TEXTS, np.linspace(0, 1, 60), "Unknown label type"),
        (TEXTS, np.zeros((60, 2)), "1d array"),
    ],
)
def test_bad_input_is_refused(texts: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quick().fit(texts, labels)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(MunjangError, match="did you mean 'epochs'"):
        quick(settings={"training.epoch": 1}).fit(TEXTS, LABELS)
    with pytest.raises(MunjangError, match="mapping or a list"):
        quick(settings="training.epochs=1").fit(TEXTS, LABELS)
    with pytest.raises(MunjangError, match="unknown model 'men'; did you mean 'mean'"):
        quick().set_params(model="men").fit(TEXTS, LABELS)


def test_it_must_be_fitted_first(tmp_path: Path) -> None:
    for ask in (quick().predict, quick().predict_proba, lambda _: quick().save(tmp_path)):
        with pytest.raises(NotFittedError):
            ask(["재미있다"])


def test_verbose_says_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    quick().fit(TEXTS, LABELS)
    assert capsys.readouterr() == ("", "")
    quick(verbose=True).fit(TEXTS, LABELS)
    assert "60 rows" in capsys.readouterr().out
