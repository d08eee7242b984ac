"""Baselines of classification: accuracy, saving and loading, and NBSVM as in the paper."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from munjang.baselines import BASELINES, fit_baseline, load_baseline
from munjang.baselines.classes import _log_count_ratio
from munjang.data.readers import read_table
from munjang.errors import FolderError
from munjang.folder.manifest import write_manifest
from tests.synthetic import make_corpus


def make_data(*, korean: bool, two: bool = False) -> tuple[list[str], np.ndarray, list[str]]:
    texts, names = make_corpus(90, korean=korean)
    kept = [(t, n) for t, n in zip(texts, names, strict=True) if not two or n != "so-so"]
    labels = sorted({name for _, name in kept})
    return [t for t, _ in kept], np.array([labels.index(n) for _, n in kept]), labels


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("korean", [False, True])
@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_fits_and_reloads(
    name: str, korean: bool, two: bool, tmp_path: Path
) -> None:
    texts, targets, labels = make_data(korean=korean, two=two)
    model = fit_baseline(name, texts, targets, labels)
    probabilities = model.predict_proba([*texts, "", "한 번도 안 본 말"])
    assert probabilities.shape == (len(texts) + 2, len(labels))
    assert np.allclose(probabilities.sum(1), 1)
    right = (probabilities[: len(texts)].argmax(1) == targets).mean()
    assert right == 1.0 if name != "majority" else right == pytest.approx(1 / len(labels))
    reloaded = load_baseline(model.save(tmp_path / "model"))
    assert reloaded.labels == tuple(labels)
    assert np.array_equal(reloaded.predict_proba(texts), model.predict_proba(texts))
    assert reloaded.parameters == model.parameters


def test_majority_predicts_class_shares() -> None:
    model = fit_baseline("majority", ["a"] * 10, np.array([0] * 7 + [1] * 3), ["x", "y"])
    assert model.predict_proba(["whatever"])[0] == pytest.approx([0.7, 0.3])


def test_tfidf_equals_scikit_learn() -> None:
    texts, targets, labels = make_data(korean=False)
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True
    )
    features = vectorizer.fit_transform(texts)
    expected = LogisticRegression(C=10.0, max_iter=1000).fit(features, targets)
    unseen = ["great great film 7", "boring", "the plot was okay"]
    actual = fit_baseline("tfidf-words", texts, targets, labels).predict_proba(unseen)
    assert actual == pytest.approx(expected.predict_proba(vectorizer.transform(unseen)), abs=1e-4)


def test_log_count_ratio_follows_formula() -> None:
    present = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]])
    is_positive = np.array([True, True, False])
    p, q = np.array([3, 2, 1]), np.array([1, 1, 2])
    expected = np.log((p / p.sum()) / (q / q.sum()))
    assert _log_count_ratio(present, is_positive) == pytest.approx(expected)


def test_load_altered_folder_is_refused(tmp_path: Path) -> None:
    texts, targets, labels = make_data(korean=False)
    fit_baseline("nbsvm", texts, targets, labels).save(tmp_path)
    (tmp_path / "terms.json").write_text("[]")
    with pytest.raises(FolderError, match=r"terms\.json"):
        load_baseline(tmp_path)


@pytest.mark.parametrize("kind", ["pairs", "trees", None, 3])
def test_load_baseline_of_another_kind_is_refused(kind: object, tmp_path: Path) -> None:
    fit_baseline("majority", ["a"], np.array([0]), ["x", "y"]).save(tmp_path)
    config = json.loads((tmp_path / "baseline.json").read_text())
    (tmp_path / "baseline.json").write_text(json.dumps({**config, "kind": kind}))
    names = ["README.md", "baseline.json", "model.safetensors", "terms.json"]
    write_manifest(tmp_path, names, "1")
    with pytest.raises(FolderError, match=r"targets\.json|kind: expected one of classes, pairs"):
        load_baseline(tmp_path)


def test_evaluate_equals_accuracy_of_predictions() -> None:
    texts, targets, labels = make_data(korean=True)
    model = fit_baseline("tfidf-characters", texts, targets, labels)
    names = [labels[target] for target in targets[::-1]]
    table = read_table((texts, names))
    right = [a.label == name for a, name in zip(model.predict(texts), names, strict=True)]
    assert model.evaluate(table).metrics["accuracy"] == pytest.approx(np.mean(right))
