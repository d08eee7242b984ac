"""Baselines of numbers and of sets of labels: scikit-learn's answers, and folders that load."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier

from munjang.api import evaluate, load
from munjang.baselines.linear import (
    NUMBER_BASELINES,
    SET_BASELINES,
    LinearBaseline,
    fit_number_baseline,
    fit_set_baseline,
)
from munjang.errors import ConfigError, FolderError
from munjang.folder.manifest import write_manifest
from munjang.tasks.thresholds import best_thresholds
from tests.synthetic import make_corpus

WORDS = {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b", "sublinear_tf": True}
UNSEEN = ["great great film 7", "boring", "the plot was okay", ""]


def make_regression_data(rows: int = 90) -> tuple[list[str], np.ndarray]:
    """Texts and how good they are, far from 0."""
    texts, labels = make_corpus(rows)
    positions = np.array([("bad", "so-so", "good").index(label) for label in labels])
    return texts, 1000.0 + 50 * positions


def make_multilabel_data(rows: int = 90, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Texts, and which of the labels bad, good and strong each has; nobody has the last one."""
    texts, labels = make_corpus(rows, seed=seed)
    has = [[name == "bad", name == "good", name != "so-so", False] for name in labels]
    return texts, np.array(has)


LABELS = ["bad", "good", "strong", "unused"]


@pytest.mark.parametrize("name", NUMBER_BASELINES)
def test_every_regression_baseline_fits_and_reloads(name: str, tmp_path: Path) -> None:
    texts, targets = make_regression_data()
    model = fit_number_baseline(name, texts, targets)
    answers = np.array([answer.value for answer in model.predict([*texts, *UNSEEN])])
    error = np.abs(answers[: len(texts)] - targets).mean()
    assert error < 20 if name.startswith("tfidf") else np.ptp(answers) == 0
    reloaded = load(model.save(tmp_path / "model"))
    assert isinstance(reloaded, LinearBaseline)
    assert [answer.value for answer in reloaded.predict(texts)] == answers[: len(texts)].tolist()
    assert reloaded.parameters == model.parameters
    scores = evaluate(reloaded, (texts, targets.tolist()))
    assert scores.metrics["mae"] == pytest.approx(error)
    with pytest.raises(ConfigError, match="no probabilities"):
        reloaded.predict_proba(texts)


@pytest.mark.parametrize("name", SET_BASELINES)
def test_every_multilabel_baseline_fits_and_reloads(name: str, tmp_path: Path) -> None:
    train, valid = make_multilabel_data(), make_multilabel_data(60, seed=3)
    model = fit_set_baseline(name, train, valid, LABELS)
    reloaded = load(model.save(tmp_path / "model"))
    assert isinstance(reloaded, LinearBaseline)
    texts, targets = valid
    np.testing.assert_array_equal(reloaded.predict_proba(texts), model.predict_proba(texts))
    assert reloaded.thresholds == model.thresholds
    expected = best_thresholds(model.set_probabilities(texts), targets)
    assert list(model.thresholds) == expected, "as a network's, they are tuned on other rows"
    named = [[name for name, has in zip(LABELS, row, strict=True) if has] for row in targets]
    scores = evaluate(reloaded, (texts, pl.Series(named, dtype=pl.List(pl.String)).to_list()))
    if name.startswith("tfidf"):
        assert scores.metrics["micro_f1"] > 0.95
        assert set(reloaded.predict("an awful film")[0].labels) == {"bad", "strong"}
    else:
        assert len({answer.labels for answer in reloaded.predict(texts)}) == 1


def test_linear_baselines_equal_scikit_learn() -> None:
    texts, targets = make_regression_data()
    vectorizer = TfidfVectorizer(**WORDS)
    features = vectorizer.fit_transform(texts)
    unseen = vectorizer.transform(UNSEEN)
    ridge = Ridge(alpha=1.0).fit(features, targets).predict(unseen)
    answers = fit_number_baseline("tfidf-words", texts, targets).margins(UNSEEN)[:, 0]
    assert answers == pytest.approx(ridge, abs=0.01)
    texts, has = make_multilabel_data()
    each = OneVsRestClassifier(LogisticRegression(C=10.0, max_iter=1000))
    expected = each.fit(features, has[:, :3]).predict_proba(unseen)
    model = fit_set_baseline("tfidf-words", (texts, has), (texts, has), LABELS)
    assert model.set_probabilities(UNSEEN)[:, :3] == pytest.approx(expected, abs=1e-4)


def test_constant_baselines_are_mean_median_and_prior() -> None:
    targets = np.array([1.0, 2.0, 2.0, 100.0])
    mean, median = (
        fit_number_baseline(name, ["a"] * 4, targets).margins(["b"])[0, 0]
        for name in ("dummy-mean", "dummy-median")
    )
    assert (mean, median) == (26.25, 2.0)
    has = np.array([[True, False]] * 3 + [[False, False]])
    prior = fit_set_baseline("dummy-prior", (["a"] * 4, has), (["a"] * 4, has), ["x", "y"])
    assert prior.set_probabilities(["b"])[0] == pytest.approx([0.75, 0.0], abs=1e-6)


def test_thresholds_given_by_label_are_kept() -> None:
    train = make_multilabel_data()
    model = fit_set_baseline("tfidf-words", train, train, LABELS, thresholds={"good": 0.9})
    assert model.thresholds == (0.5, 0.9, 0.5, 0.5)


INVALID: dict[str, dict[str, Any]] = {
    "an unknown task": {"task": "tag"},
    "a task that is no text": {"task": 3},
    "a baseline of another task": {"name": "dummy-mean"},
    "labels of numbers": {"task": "regress", "name": "tfidf-words"},
    "one label twice": {"labels": ["x", "x"], "thresholds": [0.5, 0.5]},
    "thresholds that lack one": {"thresholds": [0.5]},
    "a threshold that is no share": {"thresholds": [2, 0.5, 0.5, 0.5]},
    "more than there is": {"more": 1},
    "terms of a constant": {"name": "dummy-prior"},
    "fewer labels than weights": {"labels": ["x", "y"], "thresholds": [0.5, 0.5]},
}


@pytest.mark.parametrize("case", INVALID)
def test_load_altered_settings_is_refused(case: str, tmp_path: Path) -> None:
    train = make_multilabel_data()
    model = fit_set_baseline("tfidf-words", train, train, LABELS)
    path = model.save(tmp_path / "model") / "baseline.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **INVALID[case]}), "utf-8")
    write_manifest(path.parent, model.files(), "0")
    with pytest.raises(FolderError) as caught:
        load(path.parent)
    assert str(path.parent) in str(caught.value)
    assert "\n" not in str(caught.value)
