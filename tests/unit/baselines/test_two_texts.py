"""Baselines of two texts: features by hand, answers out of the folder, hostile folders."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.baselines.baseline import CONFIG
from munjang.baselines.load import load_baseline
from munjang.baselines.two_texts import (
    TWO_TEXTS_BASELINES,
    PairFeatures,
    TwoTextsBaseline,
    fit_two_texts_baseline,
    with_thresholds,
)
from munjang.errors import FolderError
from munjang.folder.manifest import write_manifest
from tests.tables import make_two_texts_table

PAIRS = [("집에 가자", "집으로 가자"), ("배고파", "비 온다"), ("a b", "a b"), ("x", "y z")] * 4
TARGETS: dict[str, Any] = {
    "classify": np.array([1, 0, 1, 2] * 4),
    "regress": np.array([4.0, 0.5, 5.0, 0.0] * 4),
    "multilabel": np.array([[1, 0], [0, 0], [1, 1], [0, 1]] * 4, dtype=np.bool_),
}
LABELS = {"classify": ("a", "b", "c"), "regress": (), "multilabel": ("near", "equal")}
CASES = [(task, name) for task, names in TWO_TEXTS_BASELINES.items() for name in names]


def fit_baseline(task: str, name: str) -> TwoTextsBaseline:
    return fit_two_texts_baseline(name, task, PAIRS, TARGETS[task], LABELS[task])


@pytest.mark.parametrize(("task", "name"), CASES)
def test_every_baseline_reloads_from_its_folder(task: str, name: str, tmp_path: Path) -> None:
    model = fit_baseline(task, name)
    if task == "multilabel":
        model = with_thresholds(model, None, PAIRS, TARGETS[task])
    reloaded = load_baseline(model.save(tmp_path / "model"))
    assert isinstance(reloaded, TwoTextsBaseline)
    pairs = [*PAIRS[:3], ("", "집"), ("모르는 말", "")]
    assert np.array_equal(reloaded.margins(pairs), model.margins(pairs))
    assert reloaded.predict(pairs) == model.predict(pairs)
    assert reloaded.parameters == model.parameters
    assert reloaded.predict(pairs[0]) == model.predict(pairs)[:1]
    expected = reloaded.input.wanted_columns({"first_column": "a"})
    assert expected.names == ("a", None)


@pytest.mark.parametrize("task", list(TARGETS))
def test_tfidf_pair_learns_shared_terms(task: str) -> None:
    firsts, seconds = ([pair[k] for pair in PAIRS] for k in (0, 1))
    labels: dict[str, Any] = {
        "classify": [LABELS["classify"][n] for n in TARGETS["classify"]],
        "regress": TARGETS["regress"].tolist(),
        "multilabel": [
            [n for n, has in zip(LABELS["multilabel"], row, strict=True) if has]
            for row in TARGETS["multilabel"]
        ],
    }
    scores = fit_baseline(task, "tfidf-pair").score(
        make_two_texts_table(firsts, seconds, labels[task])
    )
    metric = {"classify": "accuracy", "regress": "r2", "multilabel": "micro_f1"}[task]
    assert scores.metrics[metric] > 0.9


def test_pair_features_follow_formula() -> None:
    first, second = ["가 나 가", "다"], ["나 라", "다"]
    for name, length in (("tfidf-joined", 2), ("tfidf-cosine", 0), ("tfidf-pair", 2)):
        features = PairFeatures.fit(name, first, second)
        a, b = (features.vectorizer.transform(texts).toarray() for texts in (first, second))
        cosine = (a * b).sum(1, keepdims=True)
        expected = {
            "tfidf-joined": np.hstack([a, b]),
            "tfidf-cosine": cosine,
            "tfidf-pair": np.hstack([np.abs(a - b), a * b, cosine]),
        }[name]
        assert features.transform(first, second).toarray() == pytest.approx(expected)
        assert expected.shape[1] >= length
        assert cosine[1, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "nbsvm"}, "unknown baseline nbsvm"),
        ({"task": "translate"}, "unknown task translate"),
        ({"labels": ["a", "a", "b"]}, "expected different names"),
        ({"labels": ["a"]}, "labels: these are not those of the task classify"),
        ({"thresholds": [0.5]}, "thresholds: expected a number"),
        ({"name": "majority"}, "counts no terms"),
        ({"name": "tfidf-joined"}, "weights"),
    ],
)
def test_load_altered_settings_is_refused(change: Any, message: str, tmp_path: Path) -> None:
    folder = fit_baseline("classify", "tfidf-cosine").save(tmp_path / "model")
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    (folder / CONFIG).write_text(json.dumps({**config, **change}), encoding="utf-8")
    write_manifest(folder, TwoTextsBaseline.files(), "0")
    with pytest.raises(FolderError, match=message):
        load_baseline(folder)
