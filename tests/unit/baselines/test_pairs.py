"""Baselines of translation: answers, saving and loading, and `nearest` against all cosines."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from munjang import load
from munjang.api import evaluate, require_decoding
from munjang.baselines import PAIR_BASELINES, PairBaseline, fit_pair_baseline
from munjang.errors import ConfigError, FolderError
from tests.synthetic import make_corpus

COUNTED = {"bleu_tokenizer": "char", "lowercase": True}
SOURCES = ["안녕하세요", "배고파", "오늘 날씨 어때", "배고파", "1 2 3"]
TARGETS = ["반가워요", "밥 먹어요", "맑아요", "또 먹어요", "3 2 1"]


def fit_baseline(name: str) -> PairBaseline:
    return fit_pair_baseline(name, SOURCES, TARGETS, COUNTED)


def predict_texts(model: PairBaseline, texts: list[str]) -> list[str]:
    return [answer.text for answer in model.predict(texts)]


@pytest.mark.parametrize("name", PAIR_BASELINES)
def test_every_baseline_reloads_with_same_answers(name: str, tmp_path: Path) -> None:
    model = fit_baseline(name)
    reloaded = load(model.save(tmp_path / "model"))
    assert isinstance(reloaded, PairBaseline)
    queries = [*SOURCES, "너무 배고파요", "zzz", ""]
    assert reloaded.predict(queries) == model.predict(queries)
    assert reloaded.parameters == model.parameters
    scores = evaluate(tmp_path / "model", (SOURCES, TARGETS))
    assert scores.metrics["exact_match"] == (0.0 if name == "copy" else 0.8)
    assert scores.to_json()["cross_entropy"] is None
    assert "case:lc|eff:no|tok:char" in scores.to_json()["signatures"][0], "the settings are kept"


def test_copy_returns_source() -> None:
    assert predict_texts(fit_baseline("copy"), ["아무 말", ""]) == ["아무 말", ""]


@pytest.mark.parametrize("name", PAIR_BASELINES)
def test_blank_source_gives_empty_answer(name: str) -> None:
    assert predict_texts(fit_baseline(name), ["배고파", " ", "\u3000", ""])[1:] == ["", "", ""]


def test_nearest_takes_first_of_equal_sources_and_most_frequent_target_otherwise() -> None:
    model = fit_pair_baseline("nearest", ["a", "b", "b", "c"], ["1", "2", "3", "3"], COUNTED)
    assert predict_texts(model, ["b", "가"]) == ["2", "3"]
    # the usual target may be one that no first source has
    model = fit_pair_baseline("nearest", ["a", "b", "a", "b"], ["1", "2", "3", "3"], COUNTED)
    assert predict_texts(model, ["a", "b", "가"]) == ["1", "2", "3"]
    assert model.predict("가")[0].score == 0.0


def test_nearest_equals_argmax_of_cosines_in_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("munjang.baselines.pairs._BATCH", 7)
    texts, _ = make_corpus(90)
    kept = list(dict.fromkeys(texts))
    queries = [f"{text} indeed" for text in kept[::2]] + ["a lovely plot", "boring"]
    model = fit_pair_baseline("nearest", kept, [str(n) for n in range(len(kept))], COUNTED)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), sublinear_tf=True)
    known = vectorizer.fit_transform(kept).toarray()
    cosines = vectorizer.transform(queries).toarray() @ known.T
    for row, answer in zip(cosines, model.predict(queries), strict=True):
        assert row[int(answer.text)] == pytest.approx(row.max(), abs=1e-5)
        assert answer.score == pytest.approx(row.max(), abs=1e-5)
    alone = [model.predict(text)[0] for text in queries]
    assert alone == model.predict(queries)
    assert np.mean([a.score for a in model.predict(kept)]) == pytest.approx(1.0, abs=1e-5)


def test_unsupported_options_are_refused() -> None:
    model = fit_baseline("nearest")
    with pytest.raises(ConfigError, match="no probabilities"):
        model.predict_proba(["a"])
    with pytest.raises(ConfigError, match="beam: the baseline nearest does not write"):
        require_decoding(model, {"beam": 3})


def test_load_altered_folder_is_refused(tmp_path: Path) -> None:
    fit_baseline("nearest").save(tmp_path)
    (tmp_path / "targets.json").write_text("[]")
    with pytest.raises(FolderError, match=r"targets\.json"):
        load(tmp_path)
