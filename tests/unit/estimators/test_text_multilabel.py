"""`TextMultilabelClassifier`: sets of labels or an indicator matrix in, an indicator matrix out."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MultiLabelBinarizer
from sklearn.utils import estimator_checks

import munjang
from munjang import MunjangError, TextMultilabelClassifier
from tests.unit.estimators.numbers import AcceptsNumbers

QUICK: dict[str, Any] = {
    "model.dim": 8,
    "model.ngram_buckets": 512,
    "training.epochs": 15,
    "training.batch_size": 16,
    "training.threads": 1,
    "training.learning_rate": 0.05,
    "training.embedding_learning_rate": 0.05,
}
NAMES = {"서울": "곳", "런던": "곳", "흥민": "사람", "연아": "사람", "어제": "때"}
_random = np.random.default_rng(0)
_WORDS = [
    [word for word in NAMES if _random.random() < 0.4] + [f"글{number % 7}"] for number in range(80)
]
TEXTS = [" ".join(words) for words in _WORDS]
SETS = [{NAMES[word] for word in words if word in NAMES} for words in _WORDS]
MATRIX = MultiLabelBinarizer().fit_transform(SETS)


def make_classifier(**settings: Any) -> TextMultilabelClassifier:
    return TextMultilabelClassifier("mean", **{"random_state": 0, "settings": QUICK, **settings})


@pytest.fixture(scope="module")
def fitted() -> TextMultilabelClassifier:
    """Only to be asked."""
    return make_classifier().fit(TEXTS, SETS)


class OnNumbers(AcceptsNumbers, TextMultilabelClassifier):
    """`TextMultilabelClassifier` over numbers."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return super().predict_proba(self.as_texts(X))

    def predict(self, X: Any) -> Any:  # noqa: N803
        return super().predict(self.as_texts(X))


# The others give one label per row, which this estimator refuses.
@pytest.mark.parametrize(
    "check",
    [
        "check_classifiers_multilabel_output_format_predict",
        "check_classifiers_multilabel_output_format_predict_proba",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
    ],
)
def test_scikit_learn_checks(check: str) -> None:
    estimator = OnNumbers("mean", random_state=0, settings=QUICK, tokenizer="characters")
    getattr(estimator_checks, check)("OnNumbers", estimator)


def test_scikit_learn_tags() -> None:
    tags = TextMultilabelClassifier().__sklearn_tags__()
    assert (tags.input_tags.string, tags.input_tags.two_d_array) == (True, False)
    assert (tags.classifier_tags.multi_label, tags.target_tags.multi_output) == (True, True)
    assert is_classifier(TextMultilabelClassifier())


def test_fit_predict_and_score(fitted: TextMultilabelClassifier) -> None:
    answers = fitted.predict(TEXTS)
    assert fitted.classes_.tolist() == ["곳", "때", "사람"]
    assert f1_score(MATRIX, answers, average="micro") > 0.9
    assert (
        fitted.score(TEXTS, SETS)
        == fitted.score(TEXTS, MATRIX)
        == (answers == MATRIX).all(1).mean()
    )
    probabilities = fitted.predict_proba(TEXTS)
    assert probabilities.shape == (80, 3)
    thresholds = [
        fitted.model_.task.thresholds[fitted.model_.labels.index(n)] for n in ("곳", "때", "사람")
    ]
    np.testing.assert_array_equal(probabilities >= thresholds, answers == 1)


@pytest.mark.parametrize(
    "collect",
    [
        lambda sets: [sorted(labels) for labels in sets],
        lambda sets: pl.Series([sorted(labels) for labels in sets]),
        lambda sets: iter(sets),
        lambda sets: np.array(sets, dtype=object),
        lambda _: MATRIX,
        lambda _: MATRIX.astype(bool),
        lambda _: MATRIX.tolist(),
        lambda _: csr_array(MATRIX),
        lambda _: pl.DataFrame(MATRIX, schema=["곳", "때", "사람"]),
    ],
    ids=["lists", "polars", "iterator", "objects", "matrix", "bools", "nested", "sparse", "frame"],
)
def test_every_form_of_y_gives_same_answers(collect: Any, fitted: TextMultilabelClassifier) -> None:
    result = make_classifier().fit(TEXTS, collect(SETS))
    np.testing.assert_array_equal(result.predict(TEXTS), fitted.predict(TEXTS))
    assert result.score(TEXTS, collect(SETS)) == fitted.score(TEXTS, SETS)


def test_matrix_columns_are_numbered_and_frame_columns_named() -> None:
    assert make_classifier().fit(TEXTS, MATRIX).classes_.tolist() == [0, 1, 2]
    frame = pl.DataFrame(MATRIX, schema=["나", "가", "다"])
    assert make_classifier().fit(TEXTS, frame).classes_.tolist() == ["나", "가", "다"]


def test_column_without_rows_is_kept() -> None:
    wide = np.insert(MATRIX, 1, 0, axis=1)
    model = make_classifier().fit(TEXTS, wide)
    assert model.predict(TEXTS).shape == (80, 4)
    assert model.predict(TEXTS)[:, 1].sum() == 0
    assert model.score(TEXTS, wide) > 0.8


def test_many_columns_keep_their_order() -> None:
    # as strings 10 comes before 2
    texts = [f"{chr(ord('가') + number)} {n}" for number in range(12) for n in range(8)]
    matrix = np.repeat(np.eye(12, dtype=int), 8, axis=0)
    model = make_classifier(settings={**QUICK, "training.epochs": 40}).fit(texts, matrix)
    assert model.classes_.tolist() == list(range(12))
    assert (model.predict_proba(texts).argmax(1) == matrix.argmax(1)).mean() > 0.9


def test_unseen_label_is_wrong_in_score_and_refused_in_valid(
    fitted: TextMultilabelClassifier,
) -> None:
    wrong = [*SETS[:-1], {*SETS[-1], "일"}]
    right = (fitted.predict(TEXTS) == MATRIX).all(1)
    assert fitted.score(TEXTS, wrong) == pytest.approx(right[:-1].sum() / 80)
    with pytest.raises(MunjangError, match="valid: the label '일' is not among those"):
        make_classifier(valid=(["어제"], [{"일"}])).fit(TEXTS, SETS)
    with pytest.raises(ValueError, match="of 3 columns, one per label of the training, got 2"):
        fitted.score(TEXTS, MATRIX[:, :2])


def test_pipeline_and_grid_search() -> None:
    shout = FunctionTransformer(lambda texts: [f"{text}!" for text in texts])
    grid = {"textmultilabelclassifier__model": ["mean", "cnn"]}
    settings = {**QUICK, "training.epochs": 2}
    pipeline = make_pipeline(shout, make_classifier(settings=settings))
    settings.pop("model.ngram_buckets")
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise", scoring="f1_micro")
    assert search.fit(TEXTS, MATRIX).predict(TEXTS).shape == MATRIX.shape


def test_clone_pickle_and_folder(fitted: TextMultilabelClassifier, tmp_path: Path) -> None:
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "classes_")
    assert {type(content) for content in fitted.__getstate__()["model_"].values()} == {bytes}
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert back.classes_.tolist() == fitted.classes_.tolist()
    loaded = munjang.load(fitted.save(tmp_path / "model"))
    assert loaded.labels == ("곳", "때", "사람")
    assert [len(answer.labels) for answer in loaded.predict(TEXTS)] == fitted.predict(TEXTS).sum(
        1
    ).tolist()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (SETS[:-1], "inconsistent numbers of samples"),
        (None, "target y is None"),
        ("곳", "expected a list or set of labels per row.*got str"),
        (["곳|사람"] * 80, r"y\[0\]: .* got the string '곳|사람'; split it"),
        ([1] * 80, r"y\[0\]: expected a list or set of labels per row.*got int"),
        ([{"곳": 1}] * 80, r"y\[0\]: .*got dict"),
        ([{"곳"}] * 80, "two labels or more in y, got 1"),
        ([set()] * 80, "two labels or more in y, got 0"),
        ([{"곳", 1}] * 80, "labels of one type in y, got int, str"),
        ([[None]] * 80, r"y\[0\]: expected labels that are strings or numbers, got None"),
        ([["a"], ["b", float("nan")]] * 40, r"y\[1\]: .*got nan"),
        (MATRIX * 2, r"expected 0 or 1 in an indicator matrix \[rows, labels\], got 2"),
        (MATRIX[:, :1], r"two labels or more, got the shape \(80, 1\)"),
        (np.zeros((80, 2, 2)), "got the shape"),
    ],
)
def test_invalid_labels_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_classifier().fit(TEXTS, labels)


def test_predict_before_fit_raises_not_fitted_error() -> None:
    for ask in (
        lambda: make_classifier().predict(["서울"]),
        lambda: make_classifier().predict_proba(["서울"]),
        lambda: make_classifier().score(["서울"], [{"곳"}]),
    ):
        with pytest.raises(NotFittedError):
            ask()
