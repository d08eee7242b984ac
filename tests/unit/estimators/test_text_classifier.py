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
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import munjang
from munjang import MunjangError, TextClassifier
from tests.unit.estimators.numbers import AcceptsNumbers

QUICK: dict[str, Any] = {
    "model.dim": 8,
    "model.ngram_buckets": 512,
    "training.epochs": 4,
    "training.batch_size": 16,
    "training.threads": 1,
    "training.learning_rate": 0.05,
    "training.embedding_learning_rate": 0.05,
}

POSITIVE = ["정말 재미있다", "아주 좋은 영화", "최고의 연기", "또 보고 싶다", "감동이었다"]
NEGATIVE = ["시간이 아깝다", "지루하고 별로", "최악의 영화", "돈이 아깝다", "재미없다"]
TEXTS = [f"{text} {number}" for number in range(6) for text in POSITIVE + NEGATIVE]
LABELS = ([1] * 5 + [0] * 5) * 6


def make_classifier(**settings: Any) -> TextClassifier:
    return TextClassifier("mean", **{"random_state": 0, "settings": QUICK, **settings})


class OnNumbers(AcceptsNumbers, TextClassifier):
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


def test_scikit_learn_tags() -> None:
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
def test_string_collections_give_same_answers(collect: Any) -> None:
    expected = make_classifier().fit(TEXTS, LABELS).predict_proba(TEXTS[:7])
    actual = make_classifier().fit(collect(TEXTS), LABELS).predict_proba(collect(TEXTS[:7]))
    np.testing.assert_array_equal(actual, expected)


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
def test_labels_keep_their_dtype(classes: list[Any]) -> None:
    labels = np.array(classes)[LABELS]
    model = make_classifier().fit(TEXTS, labels)
    answers = model.predict(TEXTS)
    assert answers.dtype == labels.dtype
    assert model.classes_.tolist() == np.unique(labels).tolist()
    assert (answers == labels).mean() > 0.9
    probabilities = model.predict_proba(TEXTS)
    assert probabilities.shape == (len(TEXTS), 2)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], answers)


def test_labels_are_equal_across_normal_forms() -> None:
    names = np.array(["나쁨", "좋음"], dtype=object)
    decomposed = np.array([unicodedata.normalize("NFD", name) for name in names], dtype=object)
    labels = names[LABELS]
    mixed = labels.copy()
    mixed[::3] = decomposed[LABELS][::3]
    model = make_classifier().fit(TEXTS, mixed)
    assert model.classes_.tolist() == ["나쁨", "좋음"], "the usual form of each"
    assert model.score(TEXTS, decomposed[LABELS]) == model.score(TEXTS, labels) > 0.9


def test_many_classes_keep_their_columns() -> None:
    # as strings 10 comes before 2: columns follow the numbers
    texts = [f"{chr(ord('가') + number)} {n}" for number in range(12) for n in range(8)]
    labels = [number for number in range(12) for _ in range(8)]
    settings = {**QUICK, "training.epochs": 20}
    model = make_classifier(settings=settings).fit(texts, labels)
    assert model.classes_.tolist() == list(range(12))
    assert model.score(texts, labels) > 0.9


def test_same_random_state_gives_same_model() -> None:
    first, repeated = (make_classifier(random_state=3).fit(TEXTS, LABELS) for _ in range(2))
    other = make_classifier(random_state=4).fit(TEXTS, LABELS)
    drawn = make_classifier(random_state=np.random.RandomState(3)).fit(TEXTS, LABELS)
    probabilities = first.predict_proba(TEXTS)
    np.testing.assert_array_equal(probabilities, repeated.predict_proba(TEXTS))
    assert not np.array_equal(probabilities, other.predict_proba(TEXTS))
    assert not np.array_equal(probabilities, drawn.predict_proba(TEXTS))


def test_clone_and_get_params() -> None:
    model = make_classifier(tokenizer="jamo", valid=0.2)
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
    recipe = make_classifier(settings=settings).fit(TEXTS, LABELS).model_.recipe
    assert (recipe.training.epochs, recipe.model.dim) == (2, 8)


def test_valid_data() -> None:
    model = make_classifier(valid=(TEXTS[:10], LABELS[:10])).fit(TEXTS[10:], LABELS[10:])
    assert model.scores_.rows == 10
    assert model.model_.metrics["training"]["rows"] == 50
    with pytest.raises(ValueError, match="7 is not among"):
        make_classifier(valid=(["새 글"], [7])).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="expected a share"):
        make_classifier(valid="dev.tsv").fit(TEXTS, LABELS)


def test_pipeline_and_grid_search() -> None:
    shout = FunctionTransformer(lambda texts: [f"{text}!" for text in texts])
    pipeline = make_pipeline(shout, make_classifier())
    grid = {"textclassifier__model": ["mean", "cnn"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert search.best_score_ > 0.8
    assert set(search.predict(TEXTS)) == {0, 1}


def test_pickle_holds_files_of_the_folder() -> None:
    model = make_classifier().fit(TEXTS, LABELS)
    state = model.__getstate__()
    assert {type(content) for content in state["model_"].values()} == {bytes}
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert (
        pickle.loads(pickle.dumps(make_classifier())).get_params() == make_classifier().get_params()
    )


def test_saved_folder_gives_same_answers(tmp_path: Path) -> None:
    model = make_classifier().fit(TEXTS, LABELS)
    folder = model.save(tmp_path / "model")
    loaded = munjang.load(folder)
    assert loaded.labels == ("0", "1")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))
    with pytest.raises(MunjangError, match="finished model is here already"):
        model.save(folder)
    model.save(folder, overwrite=True)


def test_empty_text_is_predicted_but_refused_in_fit() -> None:
    model = make_classifier().fit(TEXTS, LABELS)
    assert model.predict(["", "재미"]).shape == (2,)
    with pytest.raises(ValueError, match="row 61"):
        make_classifier().fit([*TEXTS, ""], [*LABELS, 1])
    skip = {**QUICK, "data.skip_bad_rows": True}
    make_classifier(settings=skip).fit([*TEXTS, ""], [*LABELS, 1])


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
def test_invalid_input_is_refused(texts: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_classifier().fit(texts, labels)


def test_invalid_settings_are_refused() -> None:
    with pytest.raises(MunjangError, match="did you mean 'epochs'"):
        make_classifier(settings={"training.epoch": 1}).fit(TEXTS, LABELS)
    with pytest.raises(MunjangError, match="mapping or a list"):
        make_classifier(settings="training.epochs=1").fit(TEXTS, LABELS)
    with pytest.raises(MunjangError, match="unknown model 'men'; did you mean 'mean'"):
        make_classifier().set_params(model="men").fit(TEXTS, LABELS)


def test_predict_before_fit_raises_not_fitted_error(tmp_path: Path) -> None:
    for ask in (
        make_classifier().predict,
        make_classifier().predict_proba,
        lambda _: make_classifier().save(tmp_path),
    ):
        with pytest.raises(NotFittedError):
            ask(["재미있다"])


def test_verbose_prints_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    make_classifier().fit(TEXTS, LABELS)
    assert capsys.readouterr() == ("", "")
    make_classifier(verbose=True).fit(TEXTS, LABELS)
    assert "60 rows" in capsys.readouterr().out
