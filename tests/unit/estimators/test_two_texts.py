"""`TextPairClassifier`, `TextPairRegressor` and `TextSimilarity` in scikit-learn's tools."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

import munjang
from munjang import MunjangError, TextPairClassifier, TextPairRegressor, TextSimilarity

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK: dict[str, Any] = {
    "model.dim": 16,
    "model.ngram_buckets": 512,
    "training.epochs": 6,
    "training.batch_size": 16,
    "training.threads": 1,
    "training.embedding_learning_rate": 0.1,
}
WORDS = ["영화", "밥", "비", "학교", "바다"]
PAIRS = [
    (f"{word} {number}", f"{word if number % 2 else WORDS[(place + 2) % 5]} {number}")
    for number in range(12)
    for place, word in enumerate(WORDS)
]
NUMBERS = [5.0 if number % 2 else 0.0 for number in range(12) for _ in WORDS]


def make(kind: Any, **parameters: Any) -> Any:
    return kind("mean", **{"random_state": 0, "settings": QUICK, **parameters})


@pytest.fixture(scope="module")
def similarity() -> TextSimilarity:
    """Only to be asked."""
    fitted: TextSimilarity = make(TextSimilarity).fit(PAIRS, NUMBERS)
    return fitted


def test_score_of_similarity_is_the_rank_correlation(similarity: TextSimilarity) -> None:
    answers = similarity.predict(PAIRS)
    assert (answers.dtype, answers.shape) == (np.float64, (60,))
    assert similarity.score(PAIRS, NUMBERS) == pytest.approx(spearmanr(answers, NUMBERS).statistic)
    assert similarity.score(PAIRS, NUMBERS) > 0.7
    with pytest.raises(ValueError, match="ranks have no weights"):
        similarity.score(PAIRS, NUMBERS, np.ones(60))


def test_numbers_follow_from_the_cosines_of_the_vectors(similarity: TextSimilarity) -> None:
    first, second = (similarity.embed([pair[side] for pair in PAIRS]) for side in (0, 1))
    assert first.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(similarity.predict(PAIRS), 5 * (first * second).sum(1), atol=1e-4)
    np.testing.assert_array_equal(similarity.embed(pl.Series(["밥 1"])), similarity.embed(["밥 1"]))


@pytest.mark.parametrize("text", ["밥", "", [[1]], [None], [], [("a", "b")]])
def test_embed_refuses_what_is_no_column_of_texts(text: Any, similarity: TextSimilarity) -> None:
    with pytest.raises(MunjangError):
        similarity.embed(text)


def test_pairs_that_mean_the_same_are_answered_by_cosines() -> None:
    settings = {**QUICK, "similarity.loss": "in_batch_negatives", "training.epochs": 1}
    fitted = make(TextSimilarity, settings=settings).fit(PAIRS, NUMBERS)
    assert np.abs(fitted.predict(PAIRS)).max() <= 1


def test_clone_pickle_and_folder(similarity: TextSimilarity, tmp_path: Path) -> None:
    copied = clone(similarity)
    assert copied.get_params() == similarity.get_params()
    assert not hasattr(copied, "model_")
    back = pickle.loads(pickle.dumps(similarity))
    np.testing.assert_array_equal(back.predict(PAIRS), similarity.predict(PAIRS))
    np.testing.assert_array_equal(back.embed(["비 3"]), similarity.embed(["비 3"]))
    loaded: Any = munjang.load(similarity.save(tmp_path / "model"))
    assert [answer.value for answer in loaded.predict(PAIRS)] == similarity.predict(PAIRS).tolist()


def test_cross_validation_and_grid_search() -> None:
    scores = cross_val_score(make(TextSimilarity), PAIRS, NUMBERS, cv=2, error_score="raise")
    assert scores.shape == (2,)
    grid = {"settings": [QUICK, {**QUICK, "model.dim": 8}]}
    search = GridSearchCV(make(TextSimilarity), grid, cv=2, error_score="raise")
    assert search.fit(PAIRS, NUMBERS).best_score_ > 0


@pytest.mark.parametrize("collect", [list, np.array, lambda p: pl.DataFrame(p, orient="row")])
def test_forms_of_pairs_give_the_same_answers(collect: Any) -> None:
    labels = ["same" if number else "other" for number in NUMBERS]
    expected = make(TextPairClassifier).fit(PAIRS, labels)
    fitted = make(TextPairClassifier).fit(collect(PAIRS), labels)
    assert fitted.classes_.tolist() == ["other", "same"]
    np.testing.assert_array_equal(fitted.predict_proba(PAIRS), expected.predict_proba(PAIRS))


def test_regressor_of_pairs_answers_in_the_unit_of_y() -> None:
    fitted = make(TextPairRegressor, valid=(PAIRS[:10], NUMBERS[:10])).fit(PAIRS, NUMBERS)
    answers = fitted.predict(PAIRS)
    assert fitted.scores_.rows == 10
    assert fitted.score(PAIRS, NUMBERS) == r2_score(NUMBERS, answers)


@pytest.mark.parametrize("kind", [TextPairClassifier, TextPairRegressor, TextSimilarity])
@pytest.mark.parametrize(
    ("pairs", "answers"),
    [
        ([("a", "b"), ("c",)], [0, 1]),
        (["a", "b"], [0, 1]),
        ([("a", None), ("b", "c")], [0, 1]),
        ([], []),
        ([("a", "b"), ("c", "d")], [0]),
        ([("a", "b"), ("c", "d")], [1, 1]),
        ([("a", "b"), ("c", "d")], None),
    ],
)
def test_what_are_no_pairs_is_refused(kind: Any, pairs: Any, answers: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make(kind).fit(pairs, answers)


def test_task_and_seed_are_not_settings() -> None:
    for key in ("task", "seed", "input"):
        with pytest.raises(ValueError, match=f"settings: {key} cannot be set here"):
            make(TextSimilarity, settings={key: "x"}).fit(PAIRS, NUMBERS)
